//! What tests of hostile plugins name again and again: the plugins, harmless other ends, and what may
//! be shown to a user whatever a plugin said.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::programs::built_extra;
use crate::rest::encode;

/// Longest text that a user may get to see.
const LONGEST: usize = 2048;

/// A mock destination that takes what comes.
pub fn sink(name: &str) -> String {
    format!("mock://sink-{name}.example/f")
}

/// A mock source of ten bytes.
pub fn source(name: &str) -> String {
    format!("mock://source-{name}.example/f?size=10")
}

/// The path of a question about a name.
pub fn dm(operation: &str, surl: &str) -> String {
    format!("/dm/{operation}?surl={}", encode(surl))
}

/// A job of one transfer with nothing special.
pub fn transfer(from: &str, to: &str) -> Value {
    json!({ "files": [{ "sources": [from], "destinations": [to] }] })
}

/// Bounded, without control characters, without secrets, and not empty.
pub fn assert_presentable(text: &str) {
    let length = text.chars().count();
    assert!(length <= LONGEST, "{length} characters");
    let odd = |it: char| {
        it.is_control() || matches!(it, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(odd), "{text:?}");
    assert!(!text.contains("canary7Qx2secretVb9"), "{text}");
    let words = text.rsplit_once("] ").map_or(text, |(_, words)| words);
    assert!(words.len() > 5, "it says nothing: {text:?}");
}

/// The library of a hostile plugin.
pub fn library(name: &str) -> PathBuf {
    built_extra(&format!("hostile-{name}"), &format!("libhostile_{name}.so"))
}

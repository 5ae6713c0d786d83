//! Text that must never be seen: tokens, keys, proxies.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Once};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A secret string. `Debug` and `Display` show `<redacted>`; clones share the memory, which is wiped
/// when the last of them is dropped.
///
/// It serialises as its text, because engine and worker must be able to hand it over. Whatever
/// serialises one has decided to carry a secret.
///
/// ```
/// let token = causeway_sdk::Secret::new("abc");
/// assert_eq!(format!("{token:?}"), "<redacted>");
/// assert_eq!(token.expose(), "abc");
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes ownership of a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// The text itself. Call it where the secret is used and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Replaces what looks like a credential inside a free text: PEM blocks, bearer tokens, JWTs,
/// user information in URLs, and every URL query (signed URLs keep their signature there).
///
/// Error texts and log lines of plugins pass through this at the boundary.
pub fn mask(text: &str) -> String {
    let text = mask_pem(text);
    let mut out = String::with_capacity(text.len());
    let mut after_bearer = false;
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        if after_bearer && !word.is_empty() {
            out.push_str("<redacted>");
        } else {
            push_masked_word(&mut out, word);
        }
        after_bearer = word.to_ascii_lowercase().ends_with("bearer");
    }
    out
}

/// From now on the texts of panics are masked before they go to standard error. One library or
/// program has one hook for all its threads: whoever makes plugins need not call it, the glue does
/// so before the plugin is created.
pub fn mask_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| panic::set_hook(Box::new(|panic| eprintln!("{}", told(panic)))));
}

/// What standard error is told of a panic.
pub(crate) fn told(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let thread = std::thread::current();
    let mut told = format!("thread '{}' panicked", thread.name().unwrap_or("unnamed"));
    if let Some(place) = panic.location() {
        told.push_str(&format!(" at {place}"));
    }
    told.push_str(": ");
    told.push_str(&mask(text.unwrap_or("no text")));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        told.push_str(&format!("\n{trace}"));
    }
    told
}

fn mask_pem(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("-----BEGIN") {
        out.push_str(&rest[..start]);
        out.push_str("<redacted>");
        rest = match rest[start..].find("-----END") {
            Some(end) => {
                let tail = &rest[start + end + "-----END".len()..];
                tail.find("-----").map_or("", |close| &tail[close + 5..])
            }
            None => "",
        };
    }
    out.push_str(rest);
    out
}

fn push_masked_word(out: &mut String, word: &str) {
    let bare = word.trim_start_matches(['"', '\'', '(', '<']);
    // A JSON web token: three base64url parts, the first of which starts with `{"` encoded.
    if bare.starts_with("eyJ") && bare.matches('.').count() >= 2 {
        out.push_str("<redacted>");
        return;
    }
    let Some(scheme) = word.find("://") else {
        out.push_str(word);
        return;
    };
    let (head, rest) = word.split_at(scheme + 3);
    out.push_str(head);
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rfind('@') {
        Some(at) => {
            out.push_str("<redacted>");
            out.push_str(&authority[at..]);
        }
        None => out.push_str(authority),
    }
    match path.find('?') {
        Some(query) => {
            out.push_str(&path[..query]);
            out.push_str("?<redacted>");
        }
        None => out.push_str(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_display_show_nothing() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {secret}").contains("hunter2"));
    }

    #[test]
    fn masks_credentials_in_free_text() {
        let text = "GET https://u:p@h/x?sig=1 with Authorization: Bearer abc.def failed \
                    -----BEGIN KEY-----\nAAAA\n-----END KEY----- eyJa.eyJb.c";
        let masked = mask(text);
        for secret in ["u:p", "sig=1", "abc.def", "AAAA", "eyJa"] {
            assert!(!masked.contains(secret), "{secret} left in {masked}");
        }
        assert!(masked.contains("https://<redacted>@h/x?<redacted>"));
        assert!(masked.ends_with("<redacted>"));
    }

    #[test]
    fn leaves_ordinary_text_alone() {
        let text = "no such file or directory: https://h/x";
        assert_eq!(mask(text), text);
    }
}

//! What happens when a path, or an option, asks for it.

use std::hint::black_box;
use std::time::Duration;

use causeway_sdk::Url;
use causeway_sdk::component::host::sleep;

/// What the path asks for.
pub(crate) async fn strike(at: &Url) {
    match at.path().rsplit('/').next() {
        Some("stay") => loop {
            sleep(Duration::from_millis(5)).await;
        },
        Some(how) => strike_now(how),
        None => {}
    }
}

/// What needs no waiting.
pub(crate) fn strike_now(how: &str) {
    match how {
        "loop" => {
            let mut number = 0_u64;
            loop {
                number = black_box(number.wrapping_add(1));
            }
        }
        "memory" => {
            let mut all = Vec::new();
            loop {
                all.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        "leak" => {
            black_box(vec![1_u8; 1 << 20].leak());
        }
        "deep" => {
            black_box(deeper(1));
        }
        "trap" => panic!("as asked"),
        _ => {}
    }
}

/// What the options ask for.
pub(crate) fn strike_in(method: &str, config: &str) {
    if config.contains(&format!("\"in\":\"{method}\"")) {
        let trap = config.contains("\"how\":\"trap\"");
        strike_now(if trap { "trap" } else { "loop" });
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    black_box(deeper(depth + 1)) + room[1]
}

//! Touches memory that is not there, on the gateway's thread or on one of its own, or runs out of
//! stack.
//!
//! | `how` | what happens |
//! |---|---|
//! | `null`, or nothing | a write to the first page |
//! | `stack` | recursion without end |
//! | `thread` | the write happens on a thread of the plugin's own; the call waits for ever |

use std::time::Duration;

use causeway_sdk::{Capabilities, Operation, export_plugin};
use skeleton::{Fault, Skeleton};

#[path = "../../skeleton.rs"]
mod skeleton;

export_plugin!(Skeleton<Segfault>);

pub(crate) struct Segfault;

impl Fault for Segfault {
    const NAME: &'static str = "hostile-segfault";
    const SCHEME: &'static str = "segfault";

    fn capabilities(mut it: Capabilities) -> Capabilities {
        it.operations
            .extend([Operation::Staging, Operation::Archive]);
        it
    }

    fn strike(how: &str) {
        match how {
            "stack" => drop(std::hint::black_box(deeper(0))),
            "thread" => {
                drop(std::thread::spawn(write_nowhere));
                std::thread::sleep(Duration::from_secs(3600));
            }
            _ => write_nowhere(),
        }
    }
}

fn write_nowhere() {
    // The address of nobody: not null, which the compiler's own checks would catch first.
    let nowhere = std::ptr::without_provenance_mut::<u64>(8);
    // SAFETY: there is none. The fault is what this plugin is for.
    #[allow(unsafe_code)]
    unsafe {
        nowhere.write_volatile(1);
    }
}

fn deeper(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 128]);
    match depth {
        u64::MAX => 0,
        _ => deeper(depth + 1) ^ room[7],
    }
}

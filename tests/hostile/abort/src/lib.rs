//! Ends the process it is in, by every door that safe code knows.
//!
//! | `how` | what happens |
//! |---|---|
//! | `abort`, or nothing | `abort` |
//! | `drop` | a destructor panics while a panic unwinds |
//! | `c` | a panic in a function that cannot unwind |
//! | `exit` | `exit(0)`, as if all were well |
//! | `exit-thread` | the same on a thread of the plugin's own; the call waits for ever |
//! | `panic` | a plain panic, which ends nothing |
//! | `payload` | a panic whose payload panics when it is dropped |

use std::panic::panic_any;

use causeway_sdk::export_plugin;
use skeleton::{Fault, Skeleton};

#[path = "../../skeleton.rs"]
mod skeleton;

export_plugin!(Skeleton<Abort>);

pub(crate) struct Abort;

impl Fault for Abort {
    const NAME: &'static str = "hostile-abort";
    const SCHEME: &'static str = "abort";

    fn strike(how: &str) {
        match how {
            "drop" => {
                let _guard = PanicsInDrop;
                panic!("the first panic");
            }
            "c" => cannot_unwind(),
            "exit" => std::process::exit(0),
            "exit-thread" => {
                drop(std::thread::spawn(|| std::process::exit(0)));
                std::thread::sleep(std::time::Duration::from_secs(3600));
            }
            "panic" => panic!("as asked, with a token: Bearer canary7Qx2secretVb9"),
            "payload" => panic_any(PanicsInDrop),
            _ => std::process::abort(),
        }
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("a panic in a drop");
    }
}

extern "C" fn cannot_unwind() {
    panic!("a panic at a border");
}

//! Does not come back.
//!
//! | `how` | what happens |
//! |---|---|
//! | `pending`, or nothing | the call never ends; where nothing can be waited for, as `block` |
//! | `block` | the thread sleeps |
//! | `spin` | the thread computes |

use std::time::Duration;

use causeway_sdk::{Capabilities, Operation, Result, Url, export_plugin};
use skeleton::{Fault, Skeleton};

#[path = "../../skeleton.rs"]
mod skeleton;

export_plugin!(Skeleton<Hang>);

pub(crate) struct Hang;

impl Fault for Hang {
    const NAME: &'static str = "hostile-hang";
    const SCHEME: &'static str = "hang";

    fn capabilities(mut it: Capabilities) -> Capabilities {
        use Operation as Op;
        // So that directories above a file are made by a call of their own, which may hang.
        it.write.parents = false;
        it.operations
            .extend([Op::Mkdir, Op::Rmdir, Op::Staging, Op::Archive]);
        it
    }

    fn strike(how: &str) {
        loop {
            match how {
                "spin" => std::hint::spin_loop(),
                _ => std::thread::sleep(Duration::from_secs(3600)),
            }
        }
    }

    async fn in_call(how: &str, _at: &Url) -> Result<()> {
        match how {
            "block" | "spin" => Self::strike(how),
            _ => std::future::pending().await,
        }
        Ok(())
    }
}

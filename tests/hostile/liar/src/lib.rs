//! Does not tell the truth. Everything it says is well formed.
//!
//! | `in`, `how` | the lie |
//! |---|---|
//! | `stat`, `size` | one byte more than there is |
//! | `stat`, `vanish` | a directory where a file is |
//! | `checksum`, any | the checksum of something else |
//! | `commit`, `nothing` | what was committed is not there |
//! | `copy`, `nothing` | what was copied is not there |
//! | `next`, `more` | a byte more with every chunk; see `real`, too |
//! | `next`, `less` | the end in the middle |
//! | `next`, `other` | other bytes than those that were written |
//! | any, `unable` | a claimed operation is not supported |
//!
//! It claims to make and remove directories, and says that it did.

use causeway_sdk::{
    Bytes, Capabilities, Checksum, Copied, EntryKind, Error, Operation, Progress, ProgressSink,
    Result, Stat, Url, export_plugin,
};
use skeleton::{Fault, Skeleton};

#[path = "../../skeleton.rs"]
mod skeleton;

export_plugin!(Skeleton<Liar>);

pub(crate) struct Liar;

impl Fault for Liar {
    const NAME: &'static str = "hostile-liar";
    const SCHEME: &'static str = "liar";

    async fn in_call(how: &str, _at: &Url) -> Result<()> {
        match how {
            "unable" => Err(Error::unsupported("what it claims")),
            _ => Ok(()),
        }
    }

    fn capabilities(mut it: Capabilities) -> Capabilities {
        it.operations.extend([Operation::Mkdir, Operation::Rmdir]);
        it
    }

    fn stat(how: &str, mut it: Stat) -> Stat {
        match how {
            "vanish" => it.kind = EntryKind::Directory,
            _ => it.size = it.size.map(|size| size + 1),
        }
        it
    }

    fn checksum(_how: &str, it: Checksum) -> Checksum {
        Checksum::new(it.algorithm, "0badcafe")
    }

    fn keeps(how: &str) -> bool {
        how != "nothing"
    }

    fn copied(how: &str, progress: &ProgressSink, it: Copied) -> Copied {
        let bytes = it.bytes.unwrap_or(0);
        if how == "nothing" {
            progress.report(Progress { bytes: bytes / 2 });
        }
        progress.report(Progress { bytes });
        it
    }

    fn chunk(how: &str, it: Option<Bytes>) -> Option<Bytes> {
        match (how, it) {
            ("less", _) => None,
            ("other", Some(chunk)) => Some(vec![0x5a; chunk.len()].into()),
            ("more", Some(chunk)) => Some([&chunk[..], b"!"].concat().into()),
            (_, it) => it,
        }
    }
}

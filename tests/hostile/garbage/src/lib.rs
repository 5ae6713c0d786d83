//! Answers that make no sense: texts that are none, numbers out of range, names that are paths.
//!
//! | `how` | the answer |
//! |---|---|
//! | `control`, or nothing | an error with control characters and terminal sequences |
//! | `utf8` | an error whose operation and context are no UTF-8 |
//! | `secret` | an error that quotes credentials |
//! | `long` | an error of three megabytes, with as much context |
//! | `errno` | an error with the smallest errno there is, to be tried again in centuries |
//! | `zero` | an error with errno 0 and no text |
//! | `numbers`, in `stat` | every number is the largest, and the etag is no UTF-8 |
//! | `names`, in `list` | names that are paths, or no names at all |
//! | `repeat`, in `list` | the same page for ever |
//! | `sum`, in `checksum` | a checksum that is a sentence |
//! | `empty`, in `next` | empty chunks without end |
//! | `some`, in `next` | an empty chunk before every other |
//! | `progress`, in `copy` | progress that jumps, and goes on after the end |

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use causeway_sdk::{
    Bytes, Checksum, Copied, DirPage, Entry, Error, ErrorKind, Progress, ProgressSink, Result,
    Retry, Stat, Url, export_plugin,
};
use skeleton::{Fault, Skeleton};

#[path = "../../skeleton.rs"]
mod skeleton;

export_plugin!(Skeleton<Garbage>);

pub(crate) struct Garbage;

impl Fault for Garbage {
    const NAME: &'static str = "hostile-garbage";
    const SCHEME: &'static str = "garbage";

    async fn in_call(how: &str, _at: &Url) -> Result<()> {
        match how {
            "numbers" | "names" | "repeat" | "sum" | "empty" | "some" | "progress" => Ok(()),
            _ => Err(error(how)),
        }
    }

    fn stat(_how: &str, mut it: Stat) -> Stat {
        it.size = Some(u64::MAX);
        it.mode = Some(u32::MAX);
        it.nlink = Some(u64::MAX);
        it.mtime = Some(i64::MIN);
        it.atime = Some(i64::MAX);
        it.ctime = Some(i64::MIN);
        it.etag = Some(no_utf8());
        it
    }

    fn checksum(_how: &str, it: Checksum) -> Checksum {
        Checksum {
            hex: "no sum\n\u{1b}[31m at all".to_owned(),
            ..it
        }
    }

    fn page(how: &str, mut it: DirPage) -> DirPage {
        let names = [
            "",
            ".",
            "..",
            "../../etc/passwd",
            "/abs",
            "a\0b",
            "\u{1b}[2J\n",
        ];
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            stat: Self::stat("", Stat::default()),
        };
        it.entries.extend(names.map(entry));
        it.entries.push(entry(&no_utf8()));
        if how == "repeat" {
            it.next = Some("again".to_owned());
        }
        it
    }

    fn chunk(how: &str, it: Option<Bytes>) -> Option<Bytes> {
        static EMPTY: AtomicBool = AtomicBool::new(false);
        match how {
            "empty" => Some(Bytes::new()),
            "some" if EMPTY.fetch_xor(true, Ordering::Relaxed) => Some(Bytes::new()),
            _ => it,
        }
    }

    fn copied(how: &str, progress: &ProgressSink, it: Copied) -> Copied {
        if how == "progress" {
            let late = progress.clone();
            drop(std::thread::spawn(move || {
                for bytes in [u64::MAX, 0, 7, u64::MAX - 1]
                    .into_iter()
                    .cycle()
                    .take(2000)
                {
                    late.report(Progress { bytes });
                    std::thread::sleep(Duration::from_millis(1));
                }
            }));
            progress.report(Progress { bytes: u64::MAX });
        }
        it
    }
}

fn error(how: &str) -> Error {
    match how {
        // The message is looked at on the way, which the plugin itself would not survive.
        "utf8" => Error::new(ErrorKind::Remote, "not a text")
            .during(&no_utf8())
            .with(&no_utf8(), "a value"),
        "secret" => Error::new(
            ErrorKind::Remote,
            "GET https://user:canary7Qx2secretVb9@h/p?sig=canary7Qx2secretVb9\nAuthorization: \
             Bearer canary7Qx2secretVb9",
        ),
        "long" => {
            let long = "long\n".repeat(600_000);
            Error::new(ErrorKind::Remote, &long)
                .during(&long)
                .with(&long, &long)
        }
        "errno" => Error::new(ErrorKind::Throttled, "an odd number")
            .with_errno(i32::MIN)
            .with_remote_status(u32::MAX)
            .with_retry(Retry::After(Duration::from_millis(u64::MAX))),
        "zero" => Error::new(ErrorKind::Internal, "").with_errno(0),
        _ => Error::new(
            ErrorKind::Remote,
            "first line\r\nsecond\t\u{7}\0\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}backwards\u{2028}end",
        ),
    }
}

/// A text that is none, behind letters that are, so that it looks harmless at the beginning.
fn no_utf8() -> String {
    let bytes = b"broken: \xff\xfe\x80 \xed\xa0\x80 end".to_vec();
    // SAFETY: there is none. A text that breaks its type's promise is what this is for.
    #[allow(unsafe_code)]
    unsafe {
        String::from_utf8_unchecked(bytes)
    }
}

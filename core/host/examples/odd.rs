//! A plugin that does what plugins should not do, each at a path of its own. The tests of the
//! boundary load it; it is no example to follow.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_sdk::Access;
use causeway_sdk::context::parse_config;
use causeway_sdk::{
    Algorithm, Bytes, Capabilities, Checksum, Copied, CopyRequest, Ctx, Error, ErrorKind,
    FileState, Host, LogLevel, Opened, Operation, Outcome, Progress, ProgressSink, ReadBody,
    ReadOptions, Result, Retry, Space, StageRequest, Staged, StagingState, Stat, Storage,
    TransferUrl, TurlRequest, Url, WriteBody, WriteOptions, Written, export_plugin,
};

export_plugin!(Odd);

static CANCELLED: AtomicU64 = AtomicU64::new(0);
static KEPT: Mutex<Option<Bytes>> = Mutex::new(None);

#[derive(Default)]
struct Options {
    name: Option<String>,
    schemes: Option<Vec<String>>,
    panic_in: String,
    refuse: bool,
}

impl Options {
    fn read(config: &str) -> Result<Self> {
        let value: std::collections::BTreeMap<String, String> = parse_config(config)?;
        let get = |key: &str| value.get(key).cloned();
        Ok(Self {
            name: get("name"),
            schemes: get("schemes").map(|it| it.split(',').map(str::to_owned).collect()),
            panic_in: get("panic_in").unwrap_or_default(),
            refuse: value.contains_key("refuse"),
        })
    }
}

struct Odd(Options);

impl Storage for Odd {
    type Read = Reader;
    type Write = Writer;

    fn create(config: &str, host: Host) -> Result<Self> {
        let options = Options::read(config)?;
        assert!(options.panic_in != "create", "as asked in create");
        if options.refuse {
            return Err(Error::new(ErrorKind::Invalid, "option refuse: as asked"));
        }
        host.log(LogLevel::Info, "odd is here");
        Ok(Self(options))
    }

    fn describe(&self) -> Capabilities {
        assert!(self.0.panic_in != "describe", "as asked in describe");
        Capabilities {
            name: self.0.name.clone().unwrap_or_else(|| "odd".into()),
            version: "1.0.0".into(),
            schemes: self.0.schemes.clone().unwrap_or_else(|| vec!["odd".into()]),
            operations: Operation::ALL
                .into_iter()
                .filter(|it| *it != Operation::Rmdir)
                .collect(),
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        match at.path() {
            "/panic" => panic!("as asked in admit"),
            "/refused" => Err(Error::new(ErrorKind::Denied, "not this one")),
            _ => Ok(()),
        }
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        let (what, number) = at.path()[1..]
            .split_once('/')
            .unwrap_or((&at.path()[1..], "0"));
        match what {
            "panic" => panic!("as asked in stat"),
            "panic-drop" => {
                let _guard = PanicsInDrop;
                std::future::pending().await
            }
            "sleep" => {
                let time = number.parse().map_err(|_| Error::unsupported("sleep"))?;
                tokio::time::sleep(Duration::from_millis(time)).await;
                Ok(Stat::file(time))
            }
            "block" => {
                let time = number.parse().map_err(|_| Error::unsupported("block"))?;
                std::thread::sleep(Duration::from_millis(time));
                Ok(Stat::file(time))
            }
            "wait" => {
                let cx = cx.clone();
                tokio::spawn(async move {
                    cx.cancel().cancelled().await;
                    CANCELLED.fetch_add(1, Ordering::SeqCst);
                });
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok(Stat::file(0))
            }
            "cancelled" => Ok(Stat::file(CANCELLED.load(Ordering::SeqCst))),
            "context" => {
                cx.log(LogLevel::Warn, "from the plugin");
                let text = format!(
                    "{}|{}|{:?}|{:?}|{}",
                    cx.request_id(),
                    cx.trace_parent(),
                    cx.credential(),
                    cx.options(),
                    cx.remaining().is_some()
                );
                Ok(Stat {
                    etag: Some(text),
                    ..Stat::directory()
                })
            }
            _ => Err(Error::new(ErrorKind::Throttled, format!("look at {at}"))
                .with_retry(Retry::After(Duration::from_secs(7)))
                .with_errno(4711)
                .with_remote_status(429)
                .with("host", at.host())
                .during("stat")),
        }
    }

    async fn unlink(&self, _cx: &Ctx, _at: &Url) -> Result<()> {
        Ok(())
    }

    async fn mkdir(&self, _cx: &Ctx, _at: &Url, parents: bool) -> Result<()> {
        if parents {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Exists, "it is there"))
        }
    }

    async fn rename(&self, _cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        Err(Error::new(
            ErrorKind::Exists,
            format!("{from} {to} {overwrite}"),
        ))
    }

    async fn checksum(&self, _cx: &Ctx, _at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        Ok(Checksum::new(algorithm, "0042"))
    }

    async fn space(&self, _cx: &Ctx, _at: &Url) -> Result<Space> {
        Ok(Space {
            total: Some(10),
            used: Some(3),
            free: None,
        })
    }

    async fn copy(
        &self,
        _cx: &Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> Result<Copied> {
        for bytes in [1, 2, 3] {
            progress.report(Progress { bytes });
        }
        Ok(Copied {
            bytes: request.size,
            checksum: request.expect,
        })
    }

    async fn bring_online(&self, _cx: &Ctx, request: StageRequest) -> Result<Staged> {
        let token = format!(
            "{:?} {:?} {:?}",
            request.pin, request.timeout, request.metadata
        );
        Ok(Staged {
            token,
            files: states(&request.files),
        })
    }

    async fn poll_online(&self, _cx: &Ctx, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        assert_eq!(token, "token");
        Ok(states(files))
    }

    async fn release(&self, _cx: &Ctx, _token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        Ok(states(files))
    }

    async fn poll_archived(&self, _cx: &Ctx, files: &[Url]) -> Result<Vec<FileState>> {
        Ok(states(files))
    }

    async fn resolve(&self, _cx: &Ctx, at: &Url, request: TurlRequest) -> Result<TransferUrl> {
        let url = format!("{}://{}{}", request.schemes[0], at.host(), at.path());
        Ok(TransferUrl {
            url: url.parse().map_err(|_| Error::unsupported("turl"))?,
            token: format!("{:?}", request.size),
            access: request.access,
        })
    }

    async fn finish(
        &self,
        _cx: &Ctx,
        _at: &Url,
        turl: &TransferUrl,
        outcome: Outcome,
    ) -> Result<()> {
        assert_eq!((turl.access, outcome), (Access::Write, Outcome::Done));
        Ok(())
    }

    async fn open_read(&self, _cx: &Ctx, at: &Url, options: ReadOptions) -> Result<Reader> {
        let chunk = match at.path() {
            "/kept" => KEPT.lock().map_or(None, |kept| kept.clone()),
            _ => Some(Bytes::from(vec![42; options.chunk_hint as usize])),
        };
        Ok(Reader {
            chunk,
            what: at.path().to_owned(),
        })
    }

    async fn open_write(&self, _cx: &Ctx, at: &Url, _options: WriteOptions) -> Result<Writer> {
        Ok(Writer {
            address: String::new(),
            what: at.path().to_owned(),
            bytes: 0,
        })
    }
}

fn states(files: &[Url]) -> Vec<FileState> {
    let state = |index| match index {
        0 => StagingState::Pending,
        1 => StagingState::Done,
        _ => StagingState::Failed(Error::new(ErrorKind::NoSpace, "no tape left")),
    };
    let with_state = |(index, url): (usize, &Url)| FileState {
        url: url.clone(),
        state: state(index),
    };
    files.iter().enumerate().map(with_state).collect()
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("as asked in a drop");
    }
}

struct Reader {
    chunk: Option<Bytes>,
    what: String,
}

impl ReadBody for Reader {
    /// The etag is the address of the chunk that will come.
    fn opened(&self) -> Opened {
        assert!(self.what != "/panic-opened", "as asked in opened");
        let address = self.chunk.as_ref().map(|it| format!("{:p}", it.as_ptr()));
        Opened {
            size: None,
            etag: address,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        assert!(self.what != "/panic-next", "as asked in next");
        Ok(self.chunk.take())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        assert!(
            self.what != "/panic-drop",
            "as asked in the drop of a reader"
        );
    }
}

struct Writer {
    address: String,
    what: String,
    bytes: u64,
}

impl WriteBody for Writer {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        // A timer, to see that the body's calls find the plugin's runtime too.
        tokio::time::sleep(Duration::from_millis(1)).await;
        if offset != self.bytes {
            return Err(Error::new(ErrorKind::Invalid, "a gap"));
        }
        self.bytes += chunk.len() as u64;
        self.address = format!("{:p}", chunk.as_ptr());
        if let Ok(mut kept) = KEPT.lock() {
            *kept = Some(chunk);
        }
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        assert!(self.what != "/panic-commit", "as asked in commit");
        Ok(Written {
            bytes: self.bytes,
            etag: Some(self.address),
            ..Written::default()
        })
    }

    async fn abort(self) {
        assert!(self.what != "/panic-abort", "as asked in abort");
    }
}

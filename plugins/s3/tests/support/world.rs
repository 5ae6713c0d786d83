//! A server that keeps uploads as S3 does, and fails where a test tells it to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_sdk::{Algorithm, Ctx, Error};

use super::double::{Double, Reply, Seen, fault, reply, text};
use super::{pattern, storage, write};

pub(crate) const MIB: usize = 1 << 20;
pub(crate) const SMALL_PARTS: &str =
    r#"{"part_bytes":5242880,"parallel_parts":2,"directories":false}"#;

const COPIED: &str = "x-amz-copy-source";
/// What is there to be copied.
pub(crate) const SOURCE: &str = "/bucket/from";

/// What the double keeps.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) uploads: HashMap<String, Vec<u32>>,
    pub(crate) begun: u32,
    pub(crate) object: Option<Vec<u32>>,
    pub(crate) failures: u32,
    pub(crate) passed: u32,
    pub(crate) sums: BTreeMap<u32, String>,
}

/// Where a request belongs in the life of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Begin,
    Part,
    Complete,
    Abort,
    /// One request that copies an object.
    Copy,
    Other,
}

fn stage(seen: &Seen) -> Stage {
    match (seen.method.as_str(), seen.query("uploadId").is_some()) {
        ("POST", false) if seen.query("uploads").is_some() => Stage::Begin,
        ("PUT", true) => Stage::Part,
        ("PUT", false) if seen.header(COPIED).is_some() => Stage::Copy,
        ("POST", true) => Stage::Complete,
        ("DELETE", true) => Stage::Abort,
        _ => Stage::Other,
    }
}

/// How a stage fails, and whether the server did its work before.
#[derive(Clone)]
pub(crate) struct Plot {
    stage: Stage,
    times: u32,
    /// So many go well before.
    skip: u32,
    is_done_before: bool,
    how: Reply,
}

pub(crate) struct World {
    pub(crate) double: Double,
    pub(crate) kept: Arc<Mutex<Kept>>,
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

impl Kept {
    fn work(&mut self, seen: &Seen) -> Reply {
        let id = seen.query("uploadId").unwrap_or_default();
        let known = self.uploads.contains_key(id);
        match stage(seen) {
            Stage::Begin => {
                self.begun += 1;
                let id = format!("u{}", self.begun);
                self.uploads.insert(id.clone(), Vec::new());
                reply("200 OK", &[], &format!("<R><UploadId>{id}</UploadId></R>"))
            }
            _ if seen.query("uploadId").is_some() && !known => {
                fault("404 Not Found", "NoSuchUpload", &[])
            }
            Stage::Part => {
                let number: u32 = seen.query("partNumber").unwrap().parse().unwrap();
                self.uploads.get_mut(id).unwrap().push(number);
                let mut hasher = Algorithm::Md5.hasher();
                hasher.update(&seen.body);
                let sum = hasher.finish().hex;
                self.sums.insert(number, sum.clone());
                if seen.header(COPIED).is_some() {
                    let text = format!("<CopyPartResult><ETag>\"{sum}\"</ETag></CopyPartResult>");
                    return reply("200 OK", &[], &text);
                }
                reply("200 OK", &[&format!("ETag: \"{sum}\"")], "")
            }
            Stage::Complete => {
                self.object = self.uploads.remove(id);
                let etag = self.etag();
                reply("200 OK", &[], &format!("<R><ETag>{etag}</ETag></R>"))
            }
            Stage::Copy => {
                self.object = Some(vec![0]);
                let text = "<CopyObjectResult><ETag>\"x\"</ETag></CopyObjectResult>";
                reply("200 OK", &[], text)
            }
            Stage::Abort => {
                self.uploads.remove(id);
                reply("204 No Content", &[], "")
            }
            Stage::Other if seen.query("uploadId").is_some() => reply("200 OK", &[], "<R/>"),
            Stage::Other if seen.query("uploads").is_some() => {
                let all = self.uploads.keys().map(|id| {
                    let time = now();
                    format!("<Upload><Key>k</Key><UploadId>{id}</UploadId><Initiated>{time}</Initiated></Upload>")
                });
                let all: String = all.collect();
                reply("200 OK", &[], &format!("<R>{all}</R>"))
            }
            Stage::Other if seen.method == "HEAD" && seen.path == SOURCE => reply(
                "200 OK",
                &["ETag: \"source\"", "Content-Length: 12582912"],
                "",
            ),
            Stage::Other if seen.method == "HEAD" && self.object.is_some() => {
                let etag = format!("ETag: {}", self.etag());
                reply("200 OK", &[&etag, "Content-Length: 12582912"], "")
            }
            Stage::Other => reply("404 Not Found", &[], ""),
        }
    }

    /// As S3 makes it: the MD5 of the MD5s of the parts, and their number.
    fn etag(&self) -> String {
        let mut hasher = Algorithm::Md5.hasher();
        for sum in self.sums.values() {
            hasher.update(&hex::decode(sum).unwrap());
        }
        format!("\"{}-{}\"", hasher.finish().hex, self.sums.len())
    }
}

impl World {
    pub(crate) async fn start(plot: Plot) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let inner = Arc::clone(&kept);
        let double = Double::watching(move |seen| {
            let mut kept = inner.lock().unwrap();
            let is_early = matches!(plot.how, Reply::CutEarly);
            if seen.is_half && !(is_early && stage(seen) == plot.stage) {
                return Reply::GoOn;
            }
            if stage(seen) != plot.stage || kept.failures >= plot.times {
                if seen.is_half {
                    return Reply::GoOn;
                }
                return kept.work(seen);
            }
            if kept.passed < plot.skip {
                kept.passed += 1;
                return kept.work(seen);
            }
            kept.failures += 1;
            if plot.is_done_before {
                kept.work(seen);
            }
            plot.how.clone()
        });
        Self {
            double: double.await,
            kept,
        }
    }

    pub(crate) async fn upload(&self, cx: &Ctx) -> Result<(), Error> {
        let data = pattern(12 * MIB);
        let at = self.double.url("/bucket/k");
        write(&storage(SMALL_PARTS), cx, &at, &data).await.map(drop)
    }

    /// Waits for what goes on in the background.
    pub(crate) async fn expect_clean(&self, what: &str) {
        for _ in 0..400 {
            if self.kept.lock().unwrap().uploads.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: parts are left");
    }

    pub(crate) fn object(&self) -> Option<Vec<u32>> {
        let mut parts = self.kept.lock().unwrap().object.clone()?;
        parts.sort_unstable();
        parts.dedup();
        Some(parts)
    }
}

pub(crate) fn plot(stage: Stage, times: u32, is_done_before: bool, how: Reply) -> Plot {
    Plot {
        stage,
        times,
        skip: 0,
        is_done_before,
        how,
    }
}

impl Plot {
    /// Begins to fail after so many.
    pub(crate) fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

pub(crate) fn cuts() -> [Reply; 2] {
    [
        Reply::CutLate,
        Reply::CutWithin(text("200 OK", &["Content-Length: 900"], "<R>")[..40].to_vec()),
    ]
}

//! Services played by doubles, and what can be made to go wrong with each of them, in words that fit
//! all.

use causeway_plugin_cloud::CloudStorage;
use causeway_sdk::{Ctx, Url};

use super::double::{Double, How, Reply, Seen, dropbox as dropbox_says, google};
use super::{any_ca, azure, bearer, dropbox, gcs, gdrive, storage, url, with};

/// Size of a part.
pub(crate) const PART: usize = 4 << 20;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Read,
    /// A small file, at once.
    Whole,
    /// An upload in parts is begun; at Dropbox with the first of them.
    Begin,
    /// A part that is not the last.
    Part,
    /// What makes a file of the parts.
    Finish,
    /// The upload is given up.
    Cancel,
    Other,
}

/// A service played by a double.
pub(crate) struct Played {
    pub(crate) name: &'static str,
    base: &'static str,
    pub(crate) double: Double,
}

impl Played {
    pub(crate) async fn all() -> [Self; 4] {
        [
            Self::azure().await,
            Self::gs().await,
            Self::dropbox().await,
            Self::gdrive().await,
        ]
    }

    pub(crate) async fn azure() -> Self {
        Self::new("azure", "azure://acct/lab", azure::start().await)
    }

    pub(crate) async fn gs() -> Self {
        Self::new("gs", "gs://lab", gcs::start().await)
    }

    pub(crate) async fn dropbox() -> Self {
        Self::new("dropbox", "dropbox://dropbox.com", dropbox::start().await)
    }

    pub(crate) async fn gdrive() -> Self {
        Self::new("gdrive", "gdrive://drive.google.com", gdrive::start().await)
    }

    fn new(name: &'static str, base: &'static str, double: Double) -> Self {
        Self { name, base, double }
    }

    /// Options with which requests are tried so often.
    pub(crate) fn config(&self, attempts: u32) -> String {
        format!(
            r#"{{"ca_file":"{}","{}":{{"endpoint":"{}"}},"part_bytes":{PART},"attempts":{attempts}}}"#,
            any_ca(),
            self.name,
            self.double.endpoint
        )
    }

    /// A storage, and somebody who may use it.
    pub(crate) fn open(&self) -> (CloudStorage, Ctx) {
        (storage(&self.config(3)), with(bearer("good")))
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        url(format!("{}{path}", self.base))
    }

    /// The next requests of a stage go wrong.
    pub(crate) fn plot(&self, stage: Stage, times: usize, how: How) {
        let name = self.name;
        let fits = move |seen: &Seen| stage_of(name, seen) == stage;
        self.double.fail_at(fits, times, how);
    }

    /// The next requests of a stage get that answer.
    pub(crate) fn fail(&self, stage: Stage, times: usize, reply: Reply) {
        self.plot(stage, times, How::Answer(reply));
    }

    pub(crate) fn count(&self, stage: Stage) -> usize {
        self.double.count(|seen| stage_of(self.name, seen) == stage)
    }

    /// How the service says that a token has ended.
    pub(crate) fn expired(&self) -> Reply {
        match self.name {
            "azure" => azure::expired(),
            "dropbox" => dropbox_says(401, "expired_access_token"),
            _ => google(401, "authError"),
        }
    }
}

fn stage_of(name: &str, seen: &Seen) -> Stage {
    match name {
        "azure" => at_azure(seen),
        "dropbox" => at_dropbox(seen),
        _ => at_google(seen),
    }
}

fn at_azure(seen: &Seen) -> Stage {
    let has_blocks = String::from_utf8_lossy(&seen.body).contains("<Uncommitted>");
    match (seen.method.as_str(), seen.asked("comp")) {
        ("PUT", "block") => Stage::Part,
        ("PUT", "blocklist") if has_blocks => Stage::Finish,
        ("PUT", "blocklist") => Stage::Cancel,
        ("PUT", _) => Stage::Whole,
        ("GET", "") => Stage::Read,
        _ => Stage::Other,
    }
}

fn at_dropbox(seen: &Seen) -> Stage {
    match seen.path.strip_prefix("/2/files/").unwrap_or_default() {
        "download" => Stage::Read,
        "upload" => Stage::Whole,
        "upload_session/start" => Stage::Begin,
        "upload_session/append_v2" => Stage::Part,
        "upload_session/finish" => Stage::Finish,
        _ => Stage::Other,
    }
}

fn at_google(seen: &Seen) -> Stage {
    if !seen.path.starts_with("/upload/") {
        let is_content = seen.method == "GET" && seen.asked("alt") == "media";
        return if is_content {
            Stage::Read
        } else {
            Stage::Other
        };
    }
    match (seen.method.as_str(), seen.asked("uploadType")) {
        ("POST" | "PATCH", "resumable") => Stage::Begin,
        ("POST" | "PATCH", _) => Stage::Whole,
        ("DELETE", _) => Stage::Cancel,
        _ if is_last_piece(seen.header("content-range")) => Stage::Finish,
        _ => Stage::Part,
    }
}

/// Whether `bytes 5-9/10` says that its end is that of the file.
fn is_last_piece(range: &str) -> bool {
    let Some((range, total)) = range.split_once('/') else {
        return false;
    };
    let last = range
        .rsplit('-')
        .next()
        .and_then(|it| it.parse::<u64>().ok());
    last.map(|it| it + 1) == total.parse().ok()
}

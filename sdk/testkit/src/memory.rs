//! A storage in memory that can do everything: what the suite is tested with, and something to
//! compare a plugin with.

mod body;
mod tree;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use causeway_sdk::capability::{
    CopyAbility, CredentialKind, ReadAbility, RenameAbility, WriteAbility,
};
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, Error, ErrorKind,
    FileState, Host, Locality, Operation, Outcome, Page, Progress, ProgressSink, ReadOptions,
    Result, Space, StageRequest, Staged, StagingState, Stat, Storage, TransferUrl, TurlRequest,
    Url, WriteOptions,
};

pub use body::{MemoryReader, MemoryWriter};
use tree::{Path, Tree};

const SCHEME: &str = "memory";
/// What it claims to have room for.
const TOTAL: u64 = 1 << 40;

/// A storage in memory. Clones share the same files.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    tree: Arc<Mutex<Tree>>,
}

impl MemoryStorage {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }

    fn content(&self, at: &Url) -> Result<Bytes> {
        self.tree().file(&Path::of(at)).map(|it| it.content.clone())
    }
}

fn lock(tree: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    tree.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Storage for MemoryStorage {
    type Read = MemoryReader;
    type Write = MemoryWriter;

    fn create(_config: &str, _host: Host) -> Result<Self> {
        Ok(Self::default())
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: SCHEME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schemes: vec![SCHEME.to_owned()],
            operations: Operation::ALL.into(),
            read: ReadAbility {
                ranges: true,
                parallel: 16,
                preferred_chunk: 1 << 16,
            },
            write: WriteAbility {
                positional: true,
                needs_size: false,
                atomic: true,
                parents: true,
                resumable: true,
            },
            checksums: [Algorithm::Adler32, Algorithm::Md5].into(),
            copy: CopyAbility {
                pull_from: vec![SCHEME.to_owned()],
                push_to: vec![SCHEME.to_owned()],
                atomic: true,
            },
            rename: RenameAbility {
                atomic: true,
                directories: true,
            },
            credentials: vec![CredentialKind::Bearer, CredentialKind::None],
            ..Capabilities::default()
        }
    }

    async fn stat(&self, _cx: &Ctx, at: &Url) -> Result<Stat> {
        tokio::task::yield_now().await;
        self.tree().stat(&Path::of(at))
    }

    async fn list(&self, _cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        self.tree().list(&Path::of(at), &page)
    }

    async fn mkdir(&self, _cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        self.tree().mkdir(&Path::of(at), parents)
    }

    async fn rmdir(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        self.tree().rmdir(&Path::of(at))
    }

    async fn unlink(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        self.tree().unlink(&Path::of(at))
    }

    async fn rename(&self, _cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        self.tree()
            .rename(&Path::of(from), &Path::of(to), overwrite)
    }

    async fn checksum(&self, _cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        if !self.describe().checksums.contains(&algorithm) {
            return Err(Error::unsupported("checksum"));
        }
        Ok(sum(&self.content(at)?, algorithm))
    }

    async fn space(&self, _cx: &Ctx, _at: &Url) -> Result<Space> {
        let used = self.tree().used();
        Ok(Space {
            total: Some(TOTAL),
            used: Some(used),
            free: Some(TOTAL.saturating_sub(used)),
        })
    }

    async fn open_read(&self, _cx: &Ctx, at: &Url, options: ReadOptions) -> Result<MemoryReader> {
        tokio::task::yield_now().await;
        let file = self.tree().file(&Path::of(at))?.clone();
        MemoryReader::open(file, &options)
    }

    async fn open_write(&self, _cx: &Ctx, at: &Url, options: WriteOptions) -> Result<MemoryWriter> {
        tokio::task::yield_now().await;
        let path = Path::of(at);
        self.tree().may_write(&path, &options)?;
        Ok(MemoryWriter::new(Arc::clone(&self.tree), path, options))
    }

    async fn copy(
        &self,
        _cx: &Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> Result<Copied> {
        let content = self.content(&request.source)?;
        progress.report(Progress { bytes: 0 });
        tokio::task::yield_now().await;
        let bytes = content.len() as u64;
        if let Some(expected) = &request.expect
            && sum(&content, expected.algorithm) != *expected
        {
            return Err(Error::new(ErrorKind::Integrity, "copy: checksum differs"));
        }
        let path = Path::of(&request.destination);
        self.tree().put(&path, content, request.overwrite)?;
        progress.report(Progress { bytes });
        Ok(Copied {
            bytes: Some(bytes),
            checksum: None,
        })
    }

    async fn bring_online(&self, _cx: &Ctx, request: StageRequest) -> Result<Staged> {
        let token = self.tree().new_token();
        let there = |at: &Url| match self.tree().stat(&Path::of(at)) {
            Ok(_) => StagingState::Pending,
            Err(error) => StagingState::Failed(error),
        };
        Ok(Staged {
            token,
            files: states(&request.files, there),
        })
    }

    async fn poll_online(&self, _cx: &Ctx, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        self.tree().know_token(token)?;
        Ok(states(files, |at| self.state(at)))
    }

    async fn release(&self, _cx: &Ctx, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        self.tree().know_token(token)?;
        Ok(states(files, |at| self.state(at)))
    }

    async fn poll_archived(&self, _cx: &Ctx, files: &[Url]) -> Result<Vec<FileState>> {
        Ok(states(files, |at| self.state(at)))
    }

    async fn resolve(&self, _cx: &Ctx, at: &Url, request: TurlRequest) -> Result<TransferUrl> {
        let known = self.tree().stat(&Path::of(at));
        if request.access == causeway_sdk::Access::Read {
            known?;
        }
        Ok(TransferUrl {
            url: at.clone(),
            token: self.tree().new_token(),
            access: request.access,
        })
    }

    async fn finish(
        &self,
        _cx: &Ctx,
        _at: &Url,
        turl: &TransferUrl,
        _outcome: Outcome,
    ) -> Result<()> {
        self.tree().know_token(&turl.token)
    }
}

impl MemoryStorage {
    fn state(&self, at: &Url) -> StagingState {
        match self.tree().stat(&Path::of(at)) {
            Ok(_) => StagingState::Done,
            Err(error) => StagingState::Failed(error),
        }
    }
}

fn states(files: &[Url], state: impl Fn(&Url) -> StagingState) -> Vec<FileState> {
    let of = |at: &Url| FileState {
        url: at.clone(),
        state: state(at),
    };
    files.iter().map(of).collect()
}

fn sum(content: &[u8], algorithm: Algorithm) -> Checksum {
    let mut hasher = algorithm.hasher();
    hasher.update(content);
    hasher.finish()
}

fn locality() -> Locality {
    Locality::OnlineAndNearline
}

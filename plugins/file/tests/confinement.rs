//! Nothing outside the roots is read, listed, changed or removed, whatever links say.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_plugin_file::FileStorage;
use causeway_sdk::{
    Algorithm, Ctx, EntryKind, Error, ErrorKind, Host, Page, ReadBody as _, ReadOptions,
    Storage as _, Url, WriteBody as _, WriteOptions,
};

struct Scratch {
    whole: tempfile::TempDir,
    storage: FileStorage,
}

impl Scratch {
    fn new() -> Self {
        let whole = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(whole.path().join("root/dir")).unwrap();
        std::fs::create_dir_all(whole.path().join("outside/dir")).unwrap();
        std::fs::write(whole.path().join("outside/secret"), "secret").unwrap();
        std::fs::write(whole.path().join("root/dir/file"), "inside").unwrap();
        let options = format!(r#"{{"roots":[{:?}]}}"#, whole.path().join("root"));
        let storage = FileStorage::create(&options, Host::silent()).unwrap();
        Self { whole, storage }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.whole.path().join(path)
    }

    fn url(&self, path: &str) -> Url {
        format!("file://{}/{path}", self.whole.path().display())
            .parse()
            .unwrap()
    }

    /// Every operation on a URL must be denied.
    async fn expect_denied(&self, path: &str) {
        let (it, at, cx) = (&self.storage, self.url(path), Ctx::new("test"));
        let inside = self.url("root/new");
        let write = WriteOptions {
            overwrite: true,
            parents: true,
            ..WriteOptions::default()
        };
        let errors: Vec<(&str, Option<Error>)> = vec![
            ("stat", it.stat(&cx, &at).await.err()),
            ("exists", it.exists(&cx, &at).await.err()),
            ("list", it.list(&cx, &at, Page::default()).await.err()),
            (
                "read",
                it.open_read(&cx, &at, ReadOptions::default()).await.err(),
            ),
            (
                "checksum",
                it.checksum(&cx, &at, Algorithm::Md5).await.err(),
            ),
            ("space", it.space(&cx, &at).await.err()),
            (
                "write",
                it.open_write(&cx, &self.below(&at), write).await.err(),
            ),
            ("mkdir", it.mkdir(&cx, &self.below(&at), true).await.err()),
            ("rmdir", it.rmdir(&cx, &self.below(&at)).await.err()),
            ("unlink", it.unlink(&cx, &self.below(&at)).await.err()),
            (
                "rename",
                it.rename(&cx, &self.below(&at), &inside, true).await.err(),
            ),
        ];
        for (operation, error) in errors {
            let error = error.unwrap_or_else(|| panic!("{operation} of {path} succeeded"));
            assert_eq!(
                error.kind(),
                ErrorKind::Denied,
                "{operation} of {path}: {error:?}"
            );
        }
    }

    fn below(&self, at: &Url) -> Url {
        at.with_path(&format!("{}/dir", at.path()))
    }
}

#[tokio::test]
async fn urls_outside_are_refused_in_the_known_words() {
    let scratch = Scratch::new();
    for path in [
        "outside/secret",
        "root/../outside/secret",
        "root/%2e%2e/outside",
        "roots/x",
    ] {
        let refused = scratch.storage.admit(&scratch.url(path)).unwrap_err();
        assert_eq!(refused.message(), "Can not transfer local files", "{path}");
        scratch.expect_denied(path).await;
    }
    scratch
        .storage
        .admit(&scratch.url("root/anything"))
        .unwrap();
    let none = FileStorage::create("", Host::silent()).unwrap();
    assert!(none.admit(&scratch.url("root/dir/file")).is_err());
}

#[tokio::test]
async fn links_that_lead_out_are_denied() {
    let scratch = Scratch::new();
    symlink("../outside", scratch.path("root/relative")).unwrap();
    symlink(scratch.path("outside"), scratch.path("root/absolute")).unwrap();
    symlink("/", scratch.path("root/top")).unwrap();
    for path in ["root/relative", "root/absolute", "root/top"] {
        scratch.expect_denied(path).await;
    }
    assert_eq!(
        std::fs::read_dir(scratch.path("outside/dir"))
            .unwrap()
            .count(),
        0
    );
    assert!(scratch.path("outside/secret").exists());
}

#[tokio::test]
async fn links_inside_are_followed() {
    let scratch = Scratch::new();
    symlink("dir", scratch.path("root/relative")).unwrap();
    symlink(scratch.path("root/dir"), scratch.path("root/absolute")).unwrap();
    symlink("dir/file", scratch.path("root/leaf")).unwrap();
    let cx = Ctx::new("test");
    for path in ["root/relative/file", "root/absolute/file", "root/leaf"] {
        let stat = scratch.storage.stat(&cx, &scratch.url(path)).await.unwrap();
        assert_eq!((stat.kind, stat.size), (EntryKind::File, Some(6)), "{path}");
    }
    let page = scratch
        .storage
        .list(&cx, &scratch.url("root"), Page::default())
        .await
        .unwrap();
    let link = page.entries.iter().find(|it| it.name == "leaf").unwrap();
    assert_eq!(link.stat.kind, EntryKind::Symlink);
    // Removing a link removes the link.
    scratch
        .storage
        .unlink(&cx, &scratch.url("root/leaf"))
        .await
        .unwrap();
    assert!(scratch.path("root/dir/file").exists());
}

/// A directory is swapped for a link again and again while files are written and read through it.
#[tokio::test(flavor = "multi_thread")]
async fn a_race_leads_nowhere() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("root/swap")).unwrap();
    let (swap, link) = (scratch.path("root/swap"), scratch.path("root/link"));
    symlink("../outside", &link).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let swapper = std::thread::spawn(move || {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        while !stopped.load(Ordering::SeqCst) {
            renameat_with(CWD, &swap, CWD, &link, RenameFlags::EXCHANGE).unwrap();
        }
    });
    let cx = Ctx::new("test");
    for _ in 0..500 {
        let secret = scratch.url("root/swap/secret");
        let read = scratch
            .storage
            .open_read(&cx, &secret, ReadOptions::default())
            .await;
        assert!(read.is_err(), "read outside the root");
        let options = WriteOptions {
            overwrite: true,
            ..WriteOptions::default()
        };
        let at = scratch.url("root/swap/written");
        if let Ok(mut body) = scratch.storage.open_write(&cx, &at, options).await {
            body.write(0, "x".into()).await.unwrap();
            // The directory it was opened in stays the one it goes to.
            body.commit().await.unwrap();
        }
        // Whether it is refused depends on the moment; where it may go does not.
        let deep = scratch.url("root/swap/made/deep");
        drop(scratch.storage.mkdir(&cx, &deep, true).await);
    }
    stop.store(true, Ordering::SeqCst);
    swapper.join().unwrap();
    let mut left: Vec<_> = std::fs::read_dir(scratch.path("outside"))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["dir", "secret"]);
}

#[tokio::test]
async fn a_root_itself_is_not_removed() {
    let scratch = Scratch::new();
    let (cx, at) = (Ctx::new("test"), scratch.url("root"));
    assert!(scratch.storage.stat(&cx, &at).await.unwrap().is_directory());
    assert!(scratch.storage.rmdir(&cx, &at).await.is_err());
    assert!(scratch.storage.unlink(&cx, &at).await.is_err());
    assert!(
        scratch
            .storage
            .rename(&cx, &at, &scratch.url("root/x"), true)
            .await
            .is_err()
    );
    assert!(scratch.path("root/dir/file").exists());
}

#[tokio::test]
async fn pipes_do_not_hang() {
    let scratch = Scratch::new();
    let pipe = scratch.path("root/pipe");
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    );
    made.unwrap();
    let (cx, at) = (Ctx::new("test"), scratch.url("root/pipe"));
    let read = scratch
        .storage
        .open_read(&cx, &at, ReadOptions::default())
        .await;
    assert_eq!(read.err().unwrap().kind(), ErrorKind::Invalid);
    let stat = scratch.storage.stat(&cx, &at).await.unwrap();
    assert_eq!(stat.kind, EntryKind::Other);
}

#[tokio::test]
async fn unfinished_files_are_neither_listed_nor_left() {
    let scratch = Scratch::new();
    let (cx, at) = (Ctx::new("test"), scratch.url("root/dir/new"));
    let mut body = scratch
        .storage
        .open_write(&cx, &at, WriteOptions::default())
        .await
        .unwrap();
    body.write(0, "half".into()).await.unwrap();
    let on_disk = || std::fs::read_dir(scratch.path("root/dir")).unwrap().count();
    assert_eq!(on_disk(), 2);
    let page = scratch
        .storage
        .list(&cx, &scratch.url("root/dir"), Page::default())
        .await;
    let names: Vec<String> = page
        .unwrap()
        .entries
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["file"]);
    drop(body);
    assert_eq!(on_disk(), 1);
}

#[tokio::test]
async fn a_file_has_its_mode_and_comes_back_whole() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = Scratch::new();
    let (cx, at) = (Ctx::new("test"), scratch.url("root/a/b/new"));
    let options = WriteOptions {
        parents: true,
        size: Some(9 << 20),
        ..WriteOptions::default()
    };
    let mut body = scratch.storage.open_write(&cx, &at, options).await.unwrap();
    let content = causeway_testkit::payload(1, 9 << 20);
    for (n, chunk) in content.chunks(7000).enumerate() {
        body.write(n as u64 * 7000, content.slice_ref(chunk))
            .await
            .unwrap();
    }
    let written = body.commit().await.unwrap();
    let path = scratch.path("root/a/b/new");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert_eq!(std::fs::read(&path).unwrap(), content);
    let stat = scratch.storage.stat(&cx, &at).await.unwrap();
    assert_eq!((stat.etag, stat.nlink), (written.etag, Some(1)));
    assert!(stat.mtime.is_some() && stat.atime.is_some() && stat.ctime.is_some());
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let scratch = Scratch::new();
    let path = scratch.path("root/dir/big");
    std::fs::write(&path, vec![7; 8 << 20]).unwrap();
    let (cx, at) = (Ctx::new("test"), scratch.url("root/dir/big"));
    let mut body = scratch
        .storage
        .open_read(&cx, &at, ReadOptions::default())
        .await
        .unwrap();
    assert!(body.next().await.unwrap().is_some());
    std::fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(3 << 20)
        .unwrap();
    let mut last = Ok(None);
    for _ in 0..8 {
        last = body.next().await;
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last.unwrap_err().kind(), ErrorKind::Conflict);
}

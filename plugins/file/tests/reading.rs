//! What a reader gives of a small file that changes while it is read. Of large ones: `confinement.rs`.

use causeway_plugin_file::FileStorage;
use causeway_sdk::{Ctx, Host, ReadBody as _, ReadOptions, Storage as _, Url};

const SMALL: usize = 64 << 10;

fn scratch() -> (tempfile::TempDir, FileStorage, Url) {
    let dir = tempfile::tempdir().unwrap();
    let options = format!(r#"{{"roots":[{:?}]}}"#, dir.path());
    let storage = FileStorage::create(&options, Host::silent()).unwrap();
    let url = format!("file://{}/file", dir.path().display());
    (dir, storage, url.parse().unwrap())
}

#[tokio::test]
async fn a_small_file_comes_with_its_opening() {
    let (dir, storage, at) = scratch();
    let (cx, path) = (Ctx::new("test"), dir.path().join("file"));
    for (offset, len, expected) in [
        (0, None, 0..SMALL),
        (9, Some(5), 9..14),
        (7, None, 7..SMALL),
    ] {
        let bytes: Vec<u8> = (0..SMALL).map(|it| (it % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let range = ReadOptions {
            offset,
            len,
            ..ReadOptions::default()
        };
        let mut body = storage.open_read(&cx, &at, range).await.unwrap();
        assert_eq!(body.opened().size, Some(SMALL as u64));
        // Whoever opened it has all of it.
        std::fs::write(&path, "").unwrap();
        let chunk = body.next().await.unwrap().unwrap();
        assert!(chunk == bytes[expected], "{offset}");
        assert!(body.next().await.unwrap().is_none());
    }
}

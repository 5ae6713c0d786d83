//! The pump alone, with an upload that only counts.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use causeway_sdk::Algorithm;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::*;
use crate::config::PART_UNIT;
use crate::sums::Kind;

#[derive(Default)]
struct Counting {
    now: AtomicU64,
    most: AtomicU64,
    parts: Mutex<Vec<(u64, u64, u64)>>,
    discarded: AtomicU64,
    undone: AtomicU64,
    go: Notify,
    fails_at: Option<u64>,
    lies: bool,
    hangs: bool,
}

#[async_trait]
impl Upload for Counting {
    fn wants(&self) -> Kind {
        Kind::Plain(Algorithm::Crc32c)
    }

    fn is_parallel(&self) -> bool {
        true
    }

    async fn whole(&self, data: Pieces, sums: &Summed) -> Result<Put> {
        self.finish(0, 0, data, sums).await
    }

    async fn part(&self, number: u64, offset: u64, data: Pieces) -> Result<()> {
        let now = self.now.fetch_add(data.len, Ordering::SeqCst) + data.len;
        self.most.fetch_max(now, Ordering::SeqCst);
        if self.hangs {
            self.go.notified().await;
        }
        tokio::task::yield_now().await;
        self.now.fetch_sub(data.len, Ordering::SeqCst);
        self.parts.lock().push((number, offset, data.len));
        match self.fails_at {
            Some(it) if it == number => Err(Error::new(ErrorKind::Remote, "take a part")),
            _ => Ok(()),
        }
    }

    async fn finish(&self, _: u64, offset: u64, data: Pieces, sums: &Summed) -> Result<Put> {
        let mut checksums = sums.plain.clone();
        if self.lies {
            checksums
                .iter_mut()
                .for_each(|it| it.hex = "0".repeat(it.hex.len()));
        }
        let bytes = offset + data.len;
        let written = Written {
            bytes,
            checksums,
            ..Written::default()
        };
        Ok(Put {
            written,
            content_hash: None,
        })
    }

    async fn arrived(&self) -> Result<Option<Put>> {
        Ok(None)
    }

    async fn discard(&self) {
        self.discarded.fetch_add(1, Ordering::SeqCst);
    }

    async fn undo(&self, _: &Put) -> Result<()> {
        self.undone.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn writer(upload: &Arc<Counting>, options: WriteOptions) -> CloudWrite {
    let config = Config {
        part_bytes: PART_UNIT,
        parallel_parts: 3,
        ..Config::default()
    };
    CloudWrite {
        plan: Plan::new(options.size, &config, true),
        sums: Some(Sums::new(upload.wants(), options.expect.as_ref())),
        upload: upload.clone(),
        what: "x".into(),
        options,
        filling: Pieces::default(),
        start: 0,
        number: 0,
        running: JoinSet::new(),
        is_open: false,
        patience: Patience {
            attempts: 2,
            longest_pause: Duration::ZERO,
        },
        grace: Duration::from_millis(10),
        runtime: Handle::current(),
    }
}

async fn fill(body: &mut CloudWrite, chunks: u64) -> Result<()> {
    let chunk = Bytes::from(vec![7; 1 << 20]);
    for n in 0..chunks {
        body.write(n << 20, chunk.clone()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn memory_is_bounded() {
    let upload = Arc::new(Counting::default());
    let mut body = writer(&upload, WriteOptions::default());
    fill(&mut body, 101).await.unwrap();
    assert_eq!(body.commit().await.unwrap().bytes, 101 << 20);
    assert!(upload.most.load(Ordering::SeqCst) <= 3 * PART_UNIT);
    let mut parts = upload.parts.lock().clone();
    parts.sort_unstable();
    let expected: Vec<_> = (0..25).map(|n| (n, n * PART_UNIT, PART_UNIT)).collect();
    assert_eq!(parts, expected, "the last mebibyte ended it");
    assert_eq!(upload.discarded.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nothing_is_left_of_a_write_given_up() {
    // Aborted, dropped, failed in the middle, and too short.
    let upload = Arc::new(Counting::default());
    let mut body = writer(&upload, WriteOptions::default());
    fill(&mut body, 9).await.unwrap();
    body.abort().await;
    assert_eq!(upload.discarded.load(Ordering::SeqCst), 1);

    let upload = Arc::new(Counting {
        hangs: true,
        ..Counting::default()
    });
    let mut body = writer(&upload, WriteOptions::default());
    fill(&mut body, 9).await.unwrap();
    drop(body);
    while upload.discarded.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }

    let upload = Arc::new(Counting {
        fails_at: Some(1),
        ..Counting::default()
    });
    let mut body = writer(&upload, WriteOptions::default());
    let outcome = match fill(&mut body, 40).await {
        Ok(()) => body.commit().await.map(drop),
        Err(error) => {
            body.abort().await;
            Err(error)
        }
    };
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Remote);
    assert_eq!(upload.discarded.load(Ordering::SeqCst), 1);

    let upload = Arc::new(Counting::default());
    let size = Some(10 << 20);
    let mut body = writer(
        &upload,
        WriteOptions {
            size,
            ..WriteOptions::default()
        },
    );
    fill(&mut body, 9).await.unwrap();
    assert_eq!(body.commit().await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(upload.discarded.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_arrives_damaged_is_removed() {
    let upload = Arc::new(Counting {
        lies: true,
        ..Counting::default()
    });
    let mut body = writer(&upload, WriteOptions::default());
    fill(&mut body, 5).await.unwrap();
    assert_eq!(
        body.commit().await.unwrap_err().kind(),
        ErrorKind::Integrity
    );
    assert_eq!(upload.undone.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn bytes_out_of_place_are_refused() {
    let upload = Arc::new(Counting::default());
    let mut body = writer(
        &upload,
        WriteOptions {
            size: Some(3),
            ..WriteOptions::default()
        },
    );
    body.write(0, "ab".into()).await.unwrap();
    for (offset, chunk) in [(1, "c"), (3, "c"), (2, "cd")] {
        let outcome = body.write(offset, chunk.into()).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Invalid);
    }
    body.write(2, "c".into()).await.unwrap();
    body.commit().await.unwrap();
}

//! Writing: sizes around every boundary, and commits that must not be believed.

use bytes::Bytes;
use causeway_sdk::{Checksum, ErrorKind, Operation, WriteOptions};

use super::cases;
use crate::need::Need;
use crate::payload::{payload, send};
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, expect_one_of, failed, skipped};

const WRITE: Need = Need::Can(Operation::Write);

cases! {
    "write/sizes" [WRITE, Need::Kept] sizes;
    "write/unknown-size" [WRITE, Need::Kept, Need::UnknownSize] unknown_size;
    "write/tiny-chunks" [WRITE, Need::Kept] tiny_chunks;
    "write/accepted" [WRITE] accepted;
    "write/written" [WRITE] written;
    "write/makes-parents" [WRITE, Need::Kept, Need::Parents] makes_parents;
    "write/too-little" [WRITE, Need::Kept] too_little;
    "write/expected-checksum" [WRITE, Need::Kept] expected_checksum;
    "write/onto-directory" [WRITE, Need::Kept, Need::Can(Operation::Mkdir)] onto_directory;
}

fn interesting_sizes(probe: &Probe) -> [usize; 7] {
    let chunk = probe.chunk();
    [
        0,
        1,
        chunk - 1,
        chunk,
        chunk + 1,
        2 * chunk,
        5 * (1 << 20) + 4321,
    ]
}

async fn sizes(probe: &Probe) -> Verdict {
    for size in interesting_sizes(probe) {
        let (at, content) = (probe.fresh(), payload(size as u64, size));
        probe.put(&at, &content).await?;
        let what = format!("read back {size} bytes");
        probe.expect_content(&at, &content, &what).await?;
    }
    Ok(())
}

async fn unknown_size(probe: &Probe) -> Verdict {
    for size in interesting_sizes(probe) {
        let (at, content) = (probe.fresh(), payload(size as u64, size));
        let options = WriteOptions {
            size: None,
            ..probe.write_options(size)
        };
        let what = format!("write {size} bytes without saying so");
        probe
            .put_with(&at, &content, options)
            .await
            .or_fail(&what)?;
        probe.expect_content(&at, &content, &what).await?;
    }
    Ok(())
}

async fn tiny_chunks(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(3, 3000));
    let cx = probe.cx();
    let options = probe.write_options(content.len());
    let body = probe.storage.open_write(&cx, &at, options).await;
    let mut body = body.or_fail("open a file for writing")?;
    for offset in 0..content.len() {
        let chunk = content.slice(offset..=offset);
        body.write(offset as u64, chunk)
            .await
            .or_fail("write one byte")?;
    }
    body.commit().await.or_fail("commit single bytes")?;
    probe
        .expect_content(&at, &content, "read back single bytes")
        .await
}

/// Runs for storages that keep nothing as well.
async fn accepted(probe: &Probe) -> Verdict {
    for size in interesting_sizes(probe) {
        probe.put(&probe.fresh(), &payload(4, size)).await?;
    }
    Ok(())
}

async fn written(probe: &Probe) -> Verdict {
    let content = payload(5, 100_001);
    let written = probe.put(&probe.fresh(), &content).await?;
    ensure!(
        written.bytes == content.len() as u64,
        "a commit of {} bytes tells {}",
        content.len(),
        written.bytes
    );
    for sum in &written.checksums {
        let own = sum_of(&content, sum);
        ensure!(own == *sum, "a commit tells {sum}, the content has {own}");
    }
    Ok(())
}

async fn makes_parents(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(6, 10));
    let at = at.with_path(&format!("{}/one/two/file", at.path()));
    let options = WriteOptions {
        parents: true,
        ..probe.write_options(content.len())
    };
    let what = "write below missing directories";
    probe.put_with(&at, &content, options).await.or_fail(what)?;
    probe.expect_content(&at, &content, what).await
}

/// Fewer bytes than announced are no file.
async fn too_little(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(7, 200_000));
    let options = probe.write_options(content.len() + 1);
    if probe.put_with(&at, &content, options).await.is_ok() {
        return failed("a commit of one byte too few succeeded");
    }
    probe.expect_gone(&at, "after a refused commit").await
}

fn sum_of(content: &Bytes, like: &Checksum) -> Checksum {
    let mut hasher = like.algorithm.hasher();
    hasher.update(content);
    hasher.finish()
}

async fn expected_checksum(probe: &Probe) -> Verdict {
    let Some(algorithm) = probe.can.checksums.first().copied() else {
        return skipped("needs a checksum");
    };
    let content = payload(8, 150_000);
    let wrong = Checksum::new(algorithm, "1".repeat(algorithm.digits()));
    let right = sum_of(&content, &wrong);
    let with = |expect| WriteOptions {
        expect: Some(expect),
        ..probe.write_options(content.len())
    };
    let at = probe.fresh();
    let what = "write with its right checksum";
    probe
        .put_with(&at, &content, with(right))
        .await
        .or_fail(what)?;
    probe.expect_content(&at, &content, what).await?;
    let at = probe.fresh();
    match probe.put_with(&at, &content, with(wrong)).await {
        Ok(_) => skipped("the storage does not verify"),
        Err(error) if error.kind() == ErrorKind::Integrity => {
            probe.expect_gone(&at, "after a refused checksum").await
        }
        Err(error) => failed(format!("wrong checksum: expected Integrity, got {error:?}")),
    }
}

async fn onto_directory(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    let cx = probe.cx();
    let result = async {
        let mut body = probe
            .storage
            .open_write(&cx, &at, probe.write_options(3))
            .await?;
        send(&mut *body, &payload(9, 3)).await?;
        body.commit().await
    };
    let kinds = [ErrorKind::IsDirectory, ErrorKind::Exists];
    expect_one_of(result.await, &kinds, "write onto a directory")
}

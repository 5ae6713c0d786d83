//! How often an attempt looks at a storage: what is known is not asked again, and what is only assumed
//! costs no transfer.

mod support;

use causeway_engine::EngineConfig;
use causeway_engine::plan::PeerCopies;
use causeway_model::FileState;
use causeway_sdk::{Algorithm, Bytes, Checksum, Ctx, Written};
use support::probe::{Probe, Seen};
use support::{Bench, Shelf};

const SOURCE: &str = "memory://a/source";
const BYTES: &[u8] = b"some bytes";

/// Streams only, from a file that is there.
async fn bench(probe: Probe) -> (Bench, Seen) {
    let (storage, seen) = probe.shared();
    seen.put(SOURCE, &Bytes::from_static(BYTES)).await;
    let config = EngineConfig {
        peer_copies: PeerCopies::None,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock().with("memory", storage)).await;
    (bench, seen)
}

fn reason(file: &causeway_model::Transfer) -> &str {
    file.reason.as_deref().unwrap_or("")
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_gone_is_made_again() {
    let (bench, seen) = bench(Probe::new().able(|it| it.write.parents = false)).await;
    let looks = || seen.count("stat");
    for (name, more) in [("0", 4), ("1", 3), ("2", 3)] {
        let before = looks();
        let file = bench.run(SOURCE, &format!("memory://b/dir/{name}")).await;
        assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
        // The source, the destination before and after; the first one looked for the directory, too.
        assert_eq!(looks() - before, more, "{name}");
    }
    assert_eq!(seen.count("mkdir"), 1);
    let (cx, dir) = (Ctx::new("somebody"), "memory://b/dir".parse().unwrap());
    for name in ["0", "1", "2"] {
        let at = format!("memory://b/dir/{name}").parse().unwrap();
        seen.inner.unlink(&cx, &at).await.unwrap();
    }
    seen.inner.rmdir(&cx, &dir).await.unwrap();
    let file = bench.run(SOURCE, "memory://b/dir/3").await;
    assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
    assert_eq!(seen.count("mkdir"), 2);
}

/// Who tells a checksum at the commit has looked at what it has; who tells another size than was sent has not.
#[tokio::test(start_paused = true)]
async fn a_size_that_is_told_at_the_commit_is_not_asked_again() {
    let sum = |algorithm: Algorithm, bytes: &[u8]| -> Checksum {
        let mut hasher = algorithm.hasher();
        hasher.update(bytes);
        hasher.finish()
    };
    let told = |bytes: usize, checksums: Vec<Checksum>| Written {
        bytes: bytes as u64,
        checksums,
        ..Written::default()
    };
    let md5 = sum(Algorithm::Md5, BYTES);
    // The source and the destination before; where nothing or nonsense is told, the destination after.
    for (written, looks) in [
        (told(BYTES.len(), vec![md5.clone()]), 2),
        (told(BYTES.len(), Vec::new()), 3),
        (told(BYTES.len() - 1, vec![md5]), 3),
    ] {
        let (bench, seen) = bench(Probe::new().tells_at_commit(written.clone())).await;
        let file = bench.run(SOURCE, "memory://b/f").await;
        assert_eq!(file.state, FileState::Finished, "{}", reason(&file));
        assert_eq!(file.filesize, Some(BYTES.len() as u64));
        assert_eq!(seen.count("stat"), looks, "{written:?}");
    }
}

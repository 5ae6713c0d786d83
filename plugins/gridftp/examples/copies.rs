//! Lets two servers copy many files, as the gateway does, and tells how long it took:
//!
//! ```text
//! copies FILES AT_ONCE SOURCE_URL DESTINATION_URL PROXY CA_DIRECTORY [OPTIONS]
//! ```
//!
//! Copies `SOURCE_URL/f0` to `DESTINATION_URL/f0` and so on, so many at a time. `OPTIONS` is more of
//! the plugin's table, as `"lanes":2`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use causeway_plugin_gridftp::GridftpStorage;
use causeway_sdk::types::Direction;
use causeway_sdk::{CopyRequest, Credential, Ctx, Host, ProgressSink, Secret, Storage, Url};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [files, at_once, source, destination, proxy, ca, rest @ ..] = &texts[..] else {
        return Err(
            "copies FILES AT_ONCE SOURCE_URL DESTINATION_URL PROXY CA_DIRECTORY [OPTIONS]".into(),
        );
    };
    let (files, at_once): (usize, usize) = (files.parse()?, at_once.parse()?);
    let more: String = rest.iter().map(|it| format!(",{it}")).collect();
    let options = format!(r#"{{"ca_dir":"{ca}"{more}}}"#);
    let run = Arc::new(Run {
        storage: GridftpStorage::create(&options, Host::new(|_, text| eprintln!("{text}")))?,
        credential: Credential::X509(Secret::new(std::fs::read_to_string(proxy)?)),
        source: (*source).to_owned(),
        destination: (*destination).to_owned(),
        files,
        next: AtomicUsize::new(0),
    });
    let start = Instant::now();
    let workers: Vec<_> = (0..at_once)
        .map(|_| tokio::spawn(run.clone().work()))
        .collect();
    for worker in workers {
        worker.await??;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{files} files in {seconds:.2} s, {:.0} a second",
        files as f64 / seconds
    );
    Ok(())
}

struct Run {
    storage: GridftpStorage,
    credential: Credential,
    source: String,
    destination: String,
    files: usize,
    next: AtomicUsize,
}

impl Run {
    /// Copies one file after the other until none is left.
    async fn work(self: Arc<Self>) -> Outcome<()> {
        let cx = Ctx::new("copies").with_credential(self.credential.clone());
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.files {
                return Ok(());
            }
            let source: Url = format!("{}/f{number}", self.source).parse()?;
            let size = self.storage.stat(&cx, &source).await?.size;
            let request = CopyRequest {
                direction: Direction::Pull,
                source,
                destination: format!("{}/f{number}", self.destination).parse()?,
                peer_credential: self.credential.clone(),
                overwrite: false,
                streams: 0,
                size,
                expect: None,
            };
            let copying = self.storage.copy(&cx, request, ProgressSink::ignore());
            if let Err(why) = copying.await {
                eprintln!("{why}");
            }
        }
    }
}

//! Fetches or stores one file:
//!
//! ```text
//! carry get|put HOST PORT PROXY CA_DIRECTORY REMOTE LOCAL [STREAMS] [clear|private]
//! ```
//!
//! No STREAMS, or 0, is one connection in stream mode.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use causeway_gridftp_wire::data::{Dcau, Order, Protection};
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Upload, UploadPlan, Way};
use causeway_gridftp_wire::{Credential, Endpoint, Options, Session, Trust};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [verb, host, port, proxy, ca, remote, local, rest @ ..] = &texts[..] else {
        return Err(
            "carry get|put HOST PORT PROXY CA_DIRECTORY REMOTE LOCAL [STREAMS] [clear|private]"
                .into(),
        );
    };
    let streams: u32 = rest.first().map_or(Ok(0), |it| it.parse())?;
    let way = match streams {
        0 => Way::Stream,
        streams => Way::Blocks { streams },
    };
    let mut options = Options::default();
    if rest.get(1) == Some(&"private") {
        options.dcau = Dcau::SelfIdentity;
        options.protection = Protection::Private;
    }
    let trust = Trust::read(&[Path::new(ca)])?;
    let credential = Credential::from_pem(&std::fs::read(proxy)?, trust)?;
    let endpoint = Endpoint::gsi(host, port.parse()?, credential, 3600);
    let mut session = Session::open(&endpoint, Arc::new(options)).await?;
    match *verb {
        "get" => get(&mut session, remote, local, way).await?,
        "put" => put(&mut session, remote, local, way).await?,
        other => return Err(format!("{other} is neither get nor put").into()),
    }
    session.quit().await;
    Ok(())
}

async fn get(session: &mut Session, remote: &str, local: &str, way: Way) -> Outcome<()> {
    let mut plan = DownloadPlan::new(remote, way);
    plan.order = Order::AsItComes;
    plan.size = Some(session.size(remote).await?);
    let file = File::create(local)?;
    let mut download = Download::start(session, &plan).await?;
    while let Some(piece) = download.next().await? {
        file.write_all_at(&piece.data, piece.offset)?;
    }
    Ok(())
}

async fn put(session: &mut Session, remote: &str, local: &str, way: Way) -> Outcome<()> {
    let file = File::open(local)?;
    let mut plan = UploadPlan::new(remote, way);
    plan.size = Some(file.metadata()?.len());
    let mut upload = Upload::start(session, &plan).await?;
    let mut offset = 0;
    loop {
        let data = chunk(&file, offset)?;
        if data.is_empty() {
            break;
        }
        let length = data.len() as u64;
        upload.write(offset, data).await?;
        offset += length;
    }
    upload.finish().await?;
    Ok(())
}

fn chunk(file: &File, offset: u64) -> Outcome<Bytes> {
    let mut data = BytesMut::zeroed(256 * 1024);
    let length = file.read_at(&mut data, offset)?;
    data.truncate(length);
    Ok(data.freeze())
}

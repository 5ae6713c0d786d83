//! A double of Azure Blob Storage after its public reference, as far as faults need one: blocks and
//! their lists, conditions, checksums, tokens. What works is tested on Azurite.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_sdk::Algorithm;

use super::double::{Double, Reply, Seen, UNFINISHED, azure, decoded, reply, sum};

struct Blob {
    etag: u64,
    data: Arc<Vec<u8>>,
    md5: String,
}

#[derive(Default)]
struct Container {
    blobs: BTreeMap<String, Blob>,
    /// Of names, by ids.
    blocks: HashMap<String, HashMap<String, Vec<u8>>>,
    last: u64,
}

/// Starts it with the container `lab` of the account `acct`. Good is the token `good`; `expired`
/// once was.
pub(crate) async fn start() -> Double {
    let container = Mutex::new(Container::default());
    Double::start(move |seen| answer(&mut container.lock().unwrap(), seen)).await
}

fn answer(container: &mut Container, seen: &Seen) -> Reply {
    if seen.method == UNFINISHED {
        return reply(200).text(container.blocks.len());
    }
    assert!(!seen.header("x-ms-version").is_empty());
    match seen.header("authorization") {
        "Bearer good" => {}
        "" => return azure(401, "NoAuthenticationInformation"),
        "Bearer expired" => return expired(),
        _ => return azure(401, "InvalidAuthenticationInfo"),
    }
    let Some(rest) = seen.path.strip_prefix("/acct/lab") else {
        return azure(404, "ContainerNotFound");
    };
    let name = decoded(rest.trim_start_matches('/'));
    match (seen.method.as_str(), seen.asked("comp")) {
        ("GET", "list") => list(container, seen),
        ("GET" | "HEAD", _) => get(container, seen, &name),
        ("PUT", "block") => block(container, seen, name),
        ("PUT", "blocklist") => commit(container, seen, name),
        ("PUT", _) => put(container, seen, name),
        ("DELETE", _) => match container.blobs.remove(&name) {
            Some(_) => reply(202),
            None => azure(404, "BlobNotFound"),
        },
        _ => azure(405, "UnsupportedHttpVerb"),
    }
}

/// As Azure says it: the code is that of any bad token.
pub(crate) fn expired() -> Reply {
    let text = "<Error><Code>InvalidAuthenticationInfo</Code><Message>Lifetime validation failed. \
                The token is expired.</Message></Error>";
    azure(401, "InvalidAuthenticationInfo").text(text)
}

fn list(container: &Container, seen: &Seen) -> Reply {
    let most: usize = seen.asked("maxresults").parse().unwrap();
    let names = container.blobs.keys();
    let names = names.filter(|it| it.starts_with(seen.asked("prefix")));
    let rows = names.take(most).map(|it| {
        let size = container.blobs[it].data.len();
        format!(
            "<Blob><Name>{it}</Name><Properties><Content-Length>{size}</Content-Length></Properties></Blob>"
        )
    });
    let rows: String = rows.collect();
    reply(200).text(format!(
        "<EnumerationResults><Blobs>{rows}</Blobs><NextMarker/></EnumerationResults>"
    ))
}

fn get(container: &Container, seen: &Seen, name: &str) -> Reply {
    match container.blobs.get(name) {
        None => azure(404, "BlobNotFound"),
        Some(blob) => reply(200)
            .with("ETag", format!("\"{}\"", blob.etag))
            .with("Content-MD5", &blob.md5)
            .file(seen, &blob.data),
    }
}

fn block(container: &mut Container, seen: &Seen, name: String) -> Reply {
    let blocks = container.blocks.entry(name).or_default();
    blocks.insert(seen.asked("blockid").to_owned(), seen.body.clone());
    reply(201)
}

fn is_taken(container: &Container, seen: &Seen, name: &str) -> bool {
    seen.header("if-none-match") == "*" && container.blobs.contains_key(name)
}

fn store(container: &mut Container, name: String, data: Vec<u8>, md5: String) -> Reply {
    container.last += 1;
    // What was not in the list is discarded.
    container.blocks.remove(&name);
    let answer = reply(201)
        .with("ETag", format!("\"{}\"", container.last))
        .with("Content-MD5", &md5);
    let blob = Blob {
        etag: container.last,
        data: Arc::new(data),
        md5,
    };
    container.blobs.insert(name, blob);
    answer
}

fn commit(container: &mut Container, seen: &Seen, name: String) -> Reply {
    if is_taken(container, seen, &name) {
        return azure(409, "BlobAlreadyExists");
    }
    let text = String::from_utf8(seen.body.clone()).unwrap();
    let ids = text.split("<Uncommitted>").skip(1);
    let ids = ids.map(|it| it.split('<').next().unwrap());
    let blocks = container.blocks.get(&name);
    let data: Option<Vec<_>> = ids.map(|id| blocks?.get(id).cloned()).collect();
    match data {
        None => azure(400, "InvalidBlockList"),
        Some(data) => {
            let md5 = seen.header("x-ms-blob-content-md5").to_owned();
            store(container, name, data.concat(), md5)
        }
    }
}

fn put(container: &mut Container, seen: &Seen, name: String) -> Reply {
    if is_taken(container, seen, &name) {
        return azure(409, "BlobAlreadyExists");
    }
    let own = BASE64_STANDARD.encode(hex::decode(sum(Algorithm::Md5, &seen.body)).unwrap());
    match seen.header("content-md5") {
        "" => {}
        it if it == own => {}
        _ => return azure(400, "Md5Mismatch"),
    }
    store(container, name, seen.body.clone(), own)
}

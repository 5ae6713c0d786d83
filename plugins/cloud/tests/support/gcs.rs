//! A double of Google Cloud Storage's JSON interface, after its public reference: preconditions on
//! generations, pages with and without a delimiter, resumable uploads in multiples of 256 KiB of
//! which it keeps only a part at first, rewrites in two steps, and tokens.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_sdk::Algorithm;
use serde_json::{Value, json};

use super::double::{Double, Reply, Seen, UNFINISHED, decoded, google, ok, reply, sum};

const UNIT: usize = 256 << 10;

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, (u64, Arc<Vec<u8>>)>,
    sessions: HashMap<String, (String, bool, Vec<u8>)>,
    last: u64,
}

/// Starts it with the bucket `lab`. Good is the token `good`; `expired` once was.
pub(crate) async fn start() -> Double {
    let bucket = Mutex::new(Bucket::default());
    Double::start(move |seen| answer(&mut bucket.lock().unwrap(), seen)).await
}

fn refused(seen: &Seen) -> Option<Reply> {
    match seen.header("authorization") {
        "Bearer good" => None,
        "" => Some(google(401, "required")),
        _ => {
            let why = r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#;
            Some(google(401, "authError").with("WWW-Authenticate", why))
        }
    }
}

fn answer(bucket: &mut Bucket, seen: &Seen) -> Reply {
    if seen.method == UNFINISHED {
        return reply(200).text(bucket.sessions.len());
    }
    if let Some(refusal) = refused(seen) {
        return refusal;
    }
    let parts: Vec<String> = seen.path.split('/').skip(1).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (seen.method.as_str(), parts.as_slice()) {
        ("GET", ["storage", "v1", "b", "lab", "o"]) => list(bucket, seen),
        ("GET", ["storage", "v1", "b", "lab", "o", name]) => get(bucket, seen, name),
        ("DELETE", ["storage", "v1", "b", "lab", "o", name]) => delete(bucket, seen, name),
        (
            "POST",
            [
                "storage",
                "v1",
                "b",
                "lab",
                "o",
                name,
                "rewriteTo",
                "b",
                "lab",
                "o",
                to,
            ],
        ) => rewrite(bucket, seen, name, to),
        ("POST", ["upload", "storage", "v1", "b", "lab", "o"]) => insert(bucket, seen),
        ("PUT", ["upload", "storage", "v1", "b", "lab", "o"]) => piece(bucket, seen),
        ("DELETE", ["upload", "storage", "v1", "b", "lab", "o"]) => {
            bucket.sessions.remove(seen.asked("upload_id"));
            reply(499)
        }
        _ => google(404, "notFound"),
    }
}

fn base64(algorithm: Algorithm, data: &[u8]) -> String {
    BASE64_STANDARD.encode(hex::decode(sum(algorithm, data)).unwrap())
}

fn resource(name: &str, generation: u64, data: &[u8]) -> Value {
    json!({
        "kind": "storage#object",
        "name": name,
        "size": data.len().to_string(),
        "generation": generation.to_string(),
        "updated": "2024-01-01T00:00:00.000Z",
        "md5Hash": base64(Algorithm::Md5, data),
        "crc32c": base64(Algorithm::Crc32c, data),
    })
}

/// Whether the generation that is there is the one that was named; 0 means none.
fn holds(bucket: &Bucket, seen: &Seen, name: &str) -> bool {
    let there = bucket.objects.get(name).map_or(0, |it| it.0);
    let wanted = seen.asked("ifGenerationMatch");
    wanted.is_empty() || wanted.parse() == Ok(there)
}

fn list(bucket: &Bucket, seen: &Seen) -> Reply {
    let (prefix, token) = (seen.asked("prefix"), seen.asked("pageToken"));
    let limit: usize = seen.asked("maxResults").parse().unwrap_or(1000);
    let mut rows: BTreeMap<String, Option<Value>> = BTreeMap::new();
    for (name, (generation, data)) in &bucket.objects {
        let Some(rest) = name.strip_prefix(prefix) else {
            continue;
        };
        match rest.find('/').filter(|_| seen.asked("delimiter") == "/") {
            Some(at) => rows.insert(name[..=prefix.len() + at].to_owned(), None),
            None => rows.insert(name.clone(), Some(resource(name, *generation, data))),
        };
    }
    let mut rows: Vec<_> = rows.into_iter().filter(|it| *it.0 > *token).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut value = json!({"kind": "storage#objects"});
    if more {
        value["nextPageToken"] = rows.last().unwrap().0.as_str().into();
    }
    let (items, prefixes): (Vec<_>, Vec<_>) = rows.into_iter().partition(|it| it.1.is_some());
    if !items.is_empty() {
        value["items"] = items.into_iter().map(|it| it.1.unwrap()).collect();
    }
    if !prefixes.is_empty() {
        value["prefixes"] = prefixes.into_iter().map(|it| it.0).collect();
    }
    ok(&value)
}

fn get(bucket: &Bucket, seen: &Seen, name: &str) -> Reply {
    let Some((generation, data)) = bucket.objects.get(name) else {
        return google(404, "notFound");
    };
    if !holds(bucket, seen, name) {
        return google(412, "conditionNotMet");
    }
    if seen.asked("alt") == "media" {
        return reply(200)
            .with("X-Goog-Generation", generation)
            .file(seen, data);
    }
    ok(&resource(name, *generation, data))
}

fn delete(bucket: &mut Bucket, seen: &Seen, name: &str) -> Reply {
    if !bucket.objects.contains_key(name) {
        return google(404, "notFound");
    }
    if !holds(bucket, seen, name) {
        return google(412, "conditionNotMet");
    }
    bucket.objects.remove(name);
    reply(204)
}

fn store(bucket: &mut Bucket, name: &str, data: Vec<u8>) -> Reply {
    bucket.last += 1;
    let answer = ok(&resource(name, bucket.last, &data));
    bucket
        .objects
        .insert(name.to_owned(), (bucket.last, Arc::new(data)));
    answer
}

fn rewrite(bucket: &mut Bucket, seen: &Seen, name: &str, to: &str) -> Reply {
    let Some((_, data)) = bucket.objects.get(name).cloned() else {
        return google(404, "notFound");
    };
    if !holds(bucket, seen, to) {
        return google(412, "conditionNotMet");
    }
    let size = data.len().to_string();
    if data.len() > 1 << 20 && seen.asked("rewriteToken").is_empty() {
        return ok(&json!({
            "done": false, "rewriteToken": "go on", "objectSize": size,
            "totalBytesRewritten": "1048576",
        }));
    }
    store(bucket, to, data.to_vec());
    ok(&json!({"done": true, "objectSize": size, "totalBytesRewritten": size}))
}

/// As it refuses bytes that are not those of the checksum before them.
pub(crate) fn damaged(said: &str, found: &str) -> Reply {
    let why = format!("Provided CRC32C \"{said}\" doesn't match calculated CRC32C \"{found}\".");
    reply(400).json(&json!({
        "error": {"code": 400, "message": why, "errors": [{"reason": "invalid", "message": why}]},
    }))
}

fn insert(bucket: &mut Bucket, seen: &Seen) -> Reply {
    let name = seen.asked("name");
    if !holds(bucket, seen, name) {
        return google(412, "conditionNotMet");
    }
    if seen.asked("uploadType") == "multipart" {
        let (described, content) = seen.related();
        let sum = base64(Algorithm::Crc32c, &content);
        return match described["crc32c"].as_str() {
            Some(said) if said != sum => damaged(said, &sum),
            _ => store(bucket, name, content),
        };
    }
    bucket.last += 1;
    let id = format!("session-{}", bucket.last);
    let is_new = seen.asked("ifGenerationMatch") == "0";
    let place = format!("http://{}{}?upload_id={id}", seen.header("host"), seen.path);
    bucket
        .sessions
        .insert(id, (name.to_owned(), is_new, Vec::new()));
    reply(200).with("Location", place)
}

fn piece(bucket: &mut Bucket, seen: &Seen) -> Reply {
    let id = seen.asked("upload_id").to_owned();
    let Some((name, is_new, held)) = bucket.sessions.get_mut(&id) else {
        return google(410, "gone");
    };
    let text = seen.header("content-range").strip_prefix("bytes ").unwrap();
    let (range, total) = text.split_once('/').unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    if last + 1 - first != seen.body.len() || first > held.len() {
        return google(400, "invalid");
    }
    let is_last = total.parse() == Ok(last + 1);
    if !is_last && !seen.body.len().is_multiple_of(UNIT) {
        return google(400, "invalid");
    }
    // Of the very first piece only a part is kept.
    let kept = if first == 0 && !is_last {
        UNIT
    } else {
        seen.body.len()
    };
    let skip = held.len() - first;
    held.extend_from_slice(&seen.body[skip..kept]);
    if !is_last {
        return reply(308).with("Range", format!("bytes=0-{}", held.len() - 1));
    }
    let (name, is_new, data) = (name.clone(), *is_new, std::mem::take(held));
    bucket.sessions.remove(&id);
    if is_new && bucket.objects.contains_key(&name) {
        return google(412, "conditionNotMet");
    }
    store(bucket, &name, data)
}

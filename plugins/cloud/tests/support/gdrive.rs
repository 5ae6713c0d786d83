//! A double of Google Drive's HTTP interface, version 3, after its public reference: files by id,
//! several of one name, queries by parent and name, pages, multipart and resumable uploads.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use causeway_sdk::Algorithm;
use serde_json::{Value, json};

use super::double::{
    Double, Reply, Seen, Token, UNFINISHED, decoded, google, ok, reply, sum, usual,
};

const FOLDER: &str = "application/vnd.google-apps.folder";
const UNIT: usize = 256 << 10;

#[derive(Clone, Default)]
struct File {
    name: String,
    parent: String,
    kind: String,
    data: Arc<Vec<u8>>,
    revision: u64,
}

#[derive(Default)]
struct Drive {
    /// By id; ids grow, so this is the order they were made in.
    files: BTreeMap<String, File>,
    /// What a session is about, the file it replaces, and what it has got.
    sessions: HashMap<String, (Value, Option<String>, Vec<u8>)>,
    last: u64,
}

/// Starts it. Good is the token `good`; `expired` once was. There are a document of Google's, and two
/// files of one name.
pub(crate) async fn start() -> Double {
    start_for(usual).await
}

/// Starts it for those whose tokens somebody else judges.
pub(crate) async fn start_for(judge: impl Fn(&str) -> Token + Send + Sync + 'static) -> Double {
    let mut drive = Drive::default();
    for (name, kind) in [
        ("document", "application/vnd.google-apps.document"),
        ("twice", "text/plain"),
        ("twice", "text/plain"),
    ] {
        let id = drive.id();
        let file = File {
            name: name.into(),
            parent: "root".into(),
            kind: kind.into(),
            data: Arc::new(id.clone().into_bytes()),
            revision: 1,
        };
        drive.files.insert(id, file);
    }
    let drive = Mutex::new(drive);
    Double::start(move |seen| {
        let token = judge(seen.token());
        answer(&mut drive.lock().unwrap(), seen, token)
    })
    .await
}

impl Drive {
    fn id(&mut self) -> String {
        self.last += 1;
        format!("id-{:06}", self.last)
    }
}

fn answer(drive: &mut Drive, seen: &Seen, token: Token) -> Reply {
    if seen.method == UNFINISHED {
        return reply(200).text(drive.sessions.len());
    }
    match token {
        Token::Good => {}
        _ if seen.token().is_empty() => return google(401, "required"),
        // Google does not say why.
        _ => return google(401, "authError"),
    }
    let parts: Vec<String> = seen.path.split('/').skip(1).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (seen.method.as_str(), parts.as_slice()) {
        ("GET", ["drive", "v3", "files"]) => list(drive, seen),
        ("POST", ["drive", "v3", "files"]) => make(drive, &seen.json(), Vec::new()),
        ("GET", ["drive", "v3", "files", id]) => get(drive, seen, id),
        ("PATCH", ["drive", "v3", "files", id]) => patch(drive, seen, id),
        ("DELETE", ["drive", "v3", "files", id]) => delete(drive, id),
        ("POST", ["drive", "v3", "files", id, "copy"]) => match drive.files.get(*id).cloned() {
            Some(file) => make(drive, &seen.json(), file.data.to_vec()),
            None => google(404, "notFound"),
        },
        ("POST", ["upload", "drive", "v3", "files"]) => upload(drive, seen, None),
        ("PATCH", ["upload", "drive", "v3", "files", id]) => upload(drive, seen, Some(*id)),
        ("PUT", ["upload", "drive", "v3", "files", ..]) => piece(drive, seen),
        ("DELETE", ["upload", "drive", "v3", "files", ..]) => {
            drive.sessions.remove(seen.asked("upload_id"));
            reply(499)
        }
        _ => google(404, "notFound"),
    }
}

fn resource(id: &str, file: &File) -> Value {
    let mut value = json!({
        "id": id, "name": file.name, "mimeType": file.kind,
        "modifiedTime": "2024-01-01T00:00:00.000Z", "version": file.revision.to_string(),
    });
    if !file.kind.starts_with("application/vnd.google-apps.") {
        value["size"] = file.data.len().to_string().into();
        value["md5Checksum"] = sum(Algorithm::Md5, &file.data).into();
        value["sha1Checksum"] = sum(Algorithm::Sha1, &file.data).into();
        value["headRevisionId"] = format!("rev-{}", file.revision).into();
    }
    value
}

/// A text in quotes at the front, and what is behind it.
fn unquoted(text: &str) -> (String, &str) {
    let (mut out, mut is_escaped) = (String::new(), false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !is_escaped => is_escaped = true,
            '\'' if !is_escaped => return (out, &text[at + 1..]),
            _ => {
                out.push(c);
                is_escaped = false;
            }
        }
    }
    panic!("a quote is missing: {text}");
}

fn list(drive: &Drive, seen: &Seen) -> Reply {
    let (parent, rest) = unquoted(seen.asked("q"));
    let rest = rest.strip_prefix(" in parents and ").unwrap();
    let (name, rest) = match rest.strip_prefix("name = ") {
        Some(rest) => {
            let (name, rest) = unquoted(rest);
            (Some(name), rest.strip_prefix(" and ").unwrap())
        }
        None => (None, rest),
    };
    assert_eq!(rest, "trashed = false");
    let limit: usize = seen.asked("pageSize").parse().unwrap();
    let fits = |file: &File| {
        // Without regard to case, as Drive does.
        let is_named = |it: &String| it.to_lowercase() == file.name.to_lowercase();
        file.parent == parent && name.as_ref().is_none_or(is_named)
    };
    let found = drive.files.iter().filter(|it| fits(it.1));
    let mut found: Vec<_> = found
        .filter(|it| it.0.as_str() > seen.asked("pageToken"))
        .collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let files: Vec<_> = found.iter().map(|it| resource(it.0, it.1)).collect();
    let mut value = json!({ "files": files });
    if has_more {
        value["nextPageToken"] = found.last().unwrap().0.as_str().into();
    }
    ok(&value)
}

fn make(drive: &mut Drive, value: &Value, data: Vec<u8>) -> Reply {
    let parent = value["parents"][0].as_str().unwrap();
    if parent != "root" && !drive.files.contains_key(parent) {
        return google(404, "notFound");
    }
    let kind = value["mimeType"]
        .as_str()
        .unwrap_or("application/octet-stream");
    let file = File {
        name: value["name"].as_str().unwrap().into(),
        parent: parent.into(),
        kind: kind.into(),
        data: Arc::new(data),
        revision: 1,
    };
    let id = drive.id();
    let answer = ok(&resource(&id, &file));
    drive.files.insert(id, file);
    answer
}

fn get(drive: &Drive, seen: &Seen, id: &str) -> Reply {
    let Some(file) = drive.files.get(id) else {
        return google(404, "notFound");
    };
    if seen.asked("alt") != "media" {
        return ok(&resource(id, file));
    }
    match file.kind.starts_with("application/vnd.google-apps.") {
        true => google(403, "fileNotDownloadable"),
        false => reply(200).file(seen, &file.data),
    }
}

fn patch(drive: &mut Drive, seen: &Seen, id: &str) -> Reply {
    let Some(file) = drive.files.get_mut(id) else {
        return google(404, "notFound");
    };
    if let Some(name) = seen.json()["name"].as_str() {
        name.clone_into(&mut file.name);
    }
    if !seen.asked("addParents").is_empty() {
        assert_eq!(seen.asked("removeParents"), file.parent);
        seen.asked("addParents").clone_into(&mut file.parent);
    }
    ok(&resource(id, file))
}

fn delete(drive: &mut Drive, id: &str) -> Reply {
    match drive.files.remove(id) {
        None => google(404, "notFound"),
        Some(file) => {
            if file.kind == FOLDER {
                // With all that is in it.
                drive.files.retain(|_, it| it.parent != id);
            }
            reply(204)
        }
    }
}

fn settle(drive: &mut Drive, value: &Value, replaced: Option<&str>, data: Vec<u8>) -> Reply {
    let Some(id) = replaced else {
        return make(drive, value, data);
    };
    let Some(file) = drive.files.get_mut(id) else {
        return google(404, "notFound");
    };
    file.data = Arc::new(data);
    file.revision += 1;
    ok(&resource(id, file))
}

fn upload(drive: &mut Drive, seen: &Seen, replaced: Option<&str>) -> Reply {
    if seen.asked("uploadType") == "resumable" {
        let id = drive.id();
        let place = format!("http://{}{}?upload_id={id}", seen.header("host"), seen.path);
        let replaced = replaced.map(str::to_owned);
        drive
            .sessions
            .insert(id, (seen.json(), replaced, Vec::new()));
        return reply(200).with("Location", place);
    }
    let (described, content) = seen.related();
    settle(drive, &described, replaced, content)
}

fn piece(drive: &mut Drive, seen: &Seen) -> Reply {
    let id = seen.asked("upload_id").to_owned();
    let Some((_, _, held)) = drive.sessions.get_mut(&id) else {
        return google(404, "notFound");
    };
    let text = seen.header("content-range").strip_prefix("bytes ").unwrap();
    let (range, total) = text.split_once('/').unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let is_last = total.parse() == Ok(last + 1);
    if first > held.len() || (!is_last && !seen.body.len().is_multiple_of(UNIT)) {
        return google(400, "badRequest");
    }
    let skip = held.len() - first;
    held.extend_from_slice(&seen.body[skip..]);
    if !is_last {
        return reply(308).with("Range", format!("bytes=0-{}", held.len() - 1));
    }
    let (value, replaced, data) = drive.sessions.remove(&id).unwrap();
    settle(drive, &value, replaced.as_deref(), data)
}

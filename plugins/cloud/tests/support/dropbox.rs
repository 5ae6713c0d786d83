//! A double of Dropbox's HTTP interface, version 2, after its public reference: names without regard
//! to case, folders made on the way, revisions, sessions with offsets, content hashes, and a few
//! more entries on a page than were asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::double::{
    Double, Reply, Seen, Token, UNFINISHED, content_hash, decoded, dropbox, encoded, ok, reply,
    usual,
};

#[derive(Clone)]
struct Node {
    name: String,
    /// `None` for a folder.
    data: Option<Arc<Vec<u8>>>,
    rev: u64,
}

#[derive(Default)]
struct Account {
    /// By the whole path in small letters.
    nodes: BTreeMap<String, Node>,
    sessions: HashMap<String, Vec<u8>>,
    last: u64,
}

/// Starts it. Good is the token `good`; `expired` once was.
pub(crate) async fn start() -> Double {
    start_for(usual).await
}

/// Starts it for those whose tokens somebody else judges.
pub(crate) async fn start_for(judge: impl Fn(&str) -> Token + Send + Sync + 'static) -> Double {
    let account = Mutex::new(Account::default());
    Double::start(move |seen| {
        let token = judge(seen.token());
        answer(&mut account.lock().unwrap(), seen, token)
    })
    .await
}

fn answer(account: &mut Account, seen: &Seen, token: Token) -> Reply {
    if seen.method == UNFINISHED {
        // Dropbox forgets sessions by itself, and has no way to be told.
        return reply(200).text(0);
    }
    if let Some(path) = seen.path.strip_prefix("/link") {
        // Needs nobody's token.
        return download(account, seen, &json!({ "path": decoded(path) }));
    }
    match token {
        Token::Good => {}
        Token::Expired => return dropbox(401, "expired_access_token"),
        Token::Unknown => return dropbox(401, "invalid_access_token"),
    }
    let arg: Value = serde_json::from_str(seen.header("dropbox-api-arg")).unwrap_or_default();
    let value = seen.json();
    match seen.path.as_str() {
        "/2/files/get_metadata" => match account.nodes.get(&key(&value["path"])) {
            Some(node) => ok(&metadata(node)),
            None => dropbox(409, "path/not_found"),
        },
        "/2/files/list_folder" => list(account, &value, ""),
        "/2/files/list_folder/continue" => go_on(account, &value),
        "/2/files/create_folder_v2" => create(account, &value),
        "/2/files/delete_v2" => delete(account, &value),
        "/2/files/move_v2" => relocate(account, &value, true),
        "/2/files/copy_v2" => relocate(account, &value, false),
        "/2/files/get_temporary_link" => match account.nodes.get(&key(&value["path"])) {
            Some(node) if node.data.is_some() => {
                let path = value["path"].as_str().unwrap();
                let link = format!("http://{}/link{}", seen.header("host"), encoded(path));
                ok(&json!({"link": link, "metadata": metadata(node)}))
            }
            Some(_) => dropbox(409, "path/not_file"),
            None => dropbox(409, "path/not_found"),
        },
        "/2/files/download" => download(account, seen, &arg),
        "/2/files/upload" => upload(account, &arg, seen.body.clone()),
        "/2/files/upload_session/start" => {
            account.last += 1;
            let id = format!("session-{}", account.last);
            account.sessions.insert(id.clone(), seen.body.clone());
            ok(&json!({ "session_id": id }))
        }
        "/2/files/upload_session/append_v2" => append(account, &arg, &seen.body),
        "/2/files/upload_session/finish" => finish(account, &arg, &seen.body),
        _ => reply(400),
    }
}

fn key(path: &Value) -> String {
    path.as_str().unwrap_or_default().to_lowercase()
}

fn parent(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |it| it.0)
}

fn metadata(node: &Node) -> Value {
    match &node.data {
        None => json!({".tag": "folder", "name": node.name, "id": "id:x"}),
        Some(data) => json!({
            ".tag": "file",
            "name": node.name,
            "size": data.len(),
            "rev": format!("{:09x}", node.rev),
            "server_modified": "2024-01-01T00:00:00Z",
            "content_hash": content_hash(data),
        }),
    }
}

fn list(account: &Account, value: &Value, after: &str) -> Reply {
    let folder = key(&value["path"]);
    match account.nodes.get(&folder) {
        Some(node) if node.data.is_some() => return dropbox(409, "path/not_folder"),
        None if !folder.is_empty() => return dropbox(409, "path/not_found"),
        _ => {}
    }
    // "A few more": one, whenever there is one more.
    let most = value["limit"].as_u64().unwrap_or(2000) as usize + 1;
    let inside = account.nodes.iter();
    let inside = inside.filter(|(it, _)| parent(it) == folder && ***it > *after);
    let mut rows: Vec<_> = inside.collect();
    let has_more = rows.len() > most;
    rows.truncate(most);
    let last = rows.last().map_or(after, |it| it.0);
    let cursor = json!({"path": folder, "limit": most - 1, "after": last}).to_string();
    let entries: Vec<_> = rows.iter().map(|it| metadata(it.1)).collect();
    ok(&json!({"entries": entries, "cursor": cursor, "has_more": has_more}))
}

fn go_on(account: &Account, value: &Value) -> Reply {
    let cursor: Value = serde_json::from_str(value["cursor"].as_str().unwrap()).unwrap();
    list(account, &cursor, cursor["after"].as_str().unwrap())
}

/// Makes the folders above a path; the reason why not.
fn make_above(account: &mut Account, path: &str) -> Result<(), &'static str> {
    let ends = path.match_indices('/').map(|it| it.0).filter(|at| *at > 0);
    for end in ends {
        let (key, name) = (
            path[..end].to_lowercase(),
            path[..end].rsplit('/').next().unwrap(),
        );
        match account.nodes.get(&key) {
            Some(node) if node.data.is_some() => return Err("path/conflict/file_ancestor"),
            Some(_) => {}
            None => {
                let node = Node {
                    name: name.to_owned(),
                    data: None,
                    rev: 0,
                };
                account.nodes.insert(key, node);
            }
        }
    }
    Ok(())
}

fn put(
    account: &mut Account,
    path: &str,
    data: Option<Arc<Vec<u8>>>,
) -> Result<Value, &'static str> {
    make_above(account, path)?;
    account.last += 1;
    let name = path.rsplit('/').next().unwrap().to_owned();
    let node = Node {
        name,
        data,
        rev: account.last,
    };
    let value = metadata(&node);
    account.nodes.insert(path.to_lowercase(), node);
    Ok(value)
}

fn create(account: &mut Account, value: &Value) -> Reply {
    let path = value["path"].as_str().unwrap();
    match account.nodes.get(&path.to_lowercase()) {
        Some(node) if node.data.is_some() => return dropbox(409, "path/conflict/file"),
        Some(_) => return dropbox(409, "path/conflict/folder"),
        None => {}
    }
    match put(account, path, None) {
        Ok(value) => ok(&json!({ "metadata": value })),
        Err(why) => dropbox(409, why),
    }
}

fn delete(account: &mut Account, value: &Value) -> Reply {
    let key = key(&value["path"]);
    let Some(node) = account.nodes.get(&key).cloned() else {
        return dropbox(409, "path_lookup/not_found");
    };
    let wanted = value["parent_rev"].as_str();
    if wanted.is_some_and(|it| it != format!("{:09x}", node.rev)) {
        return dropbox(409, "path_write/conflict/file");
    }
    // With all that is in it.
    let below = format!("{key}/");
    account
        .nodes
        .retain(|it, _| *it != key && !it.starts_with(&below));
    ok(&json!({"metadata": metadata(&node)}))
}

fn relocate(account: &mut Account, value: &Value, is_move: bool) -> Reply {
    let (from, to) = (key(&value["from_path"]), value["to_path"].as_str().unwrap());
    let Some(node) = account.nodes.get(&from).cloned() else {
        return dropbox(409, "from_lookup/not_found");
    };
    match account.nodes.get(&to.to_lowercase()) {
        Some(there) if there.data.is_some() => return dropbox(409, "to/conflict/file"),
        Some(_) => return dropbox(409, "to/conflict/folder"),
        None => {}
    }
    match put(account, to, node.data) {
        Ok(value) => {
            if is_move {
                account.nodes.remove(&from);
            }
            ok(&json!({ "metadata": value }))
        }
        Err(why) => dropbox(409, why),
    }
}

fn download(account: &Account, seen: &Seen, arg: &Value) -> Reply {
    match account.nodes.get(&key(&arg["path"])) {
        None => dropbox(409, "path/not_found"),
        Some(node) => match &node.data {
            None => dropbox(409, "path/not_file"),
            Some(data) => reply(200)
                .with("Dropbox-API-Result", metadata(node))
                .file(seen, data),
        },
    }
}

fn upload(account: &mut Account, commit: &Value, data: Vec<u8>) -> Reply {
    let path = commit["path"].as_str().unwrap();
    if commit["content_hash"]
        .as_str()
        .is_some_and(|it| it != content_hash(&data))
    {
        return dropbox(409, "content_hash_mismatch");
    }
    if path.ends_with(' ') || path.contains('\\') {
        return dropbox(409, "path/malformed_path");
    }
    match account.nodes.get(&path.to_lowercase()) {
        Some(node) if node.data.is_none() => return dropbox(409, "path/conflict/folder"),
        Some(node) if commit["mode"] == "add" => {
            let is_same = node.data.as_ref().is_some_and(|it| **it == data);
            if commit["strict_conflict"] == true || !is_same {
                return dropbox(409, "path/conflict/file");
            }
        }
        _ => {}
    }
    match put(account, path, Some(Arc::new(data))) {
        Ok(value) => ok(&value),
        Err(why) => dropbox(409, why),
    }
}

fn append(account: &mut Account, arg: &Value, data: &[u8]) -> Reply {
    let id = arg["cursor"]["session_id"].as_str().unwrap();
    let Some(held) = account.sessions.get_mut(id) else {
        return dropbox(409, "not_found");
    };
    if arg["cursor"]["offset"] != held.len() {
        let error = json!({".tag": "incorrect_offset", "correct_offset": held.len()});
        let value = json!({"error_summary": "incorrect_offset/..", "error": error});
        return reply(409).json(&value);
    }
    held.extend_from_slice(data);
    ok(&Value::Null)
}

fn finish(account: &mut Account, arg: &Value, data: &[u8]) -> Reply {
    let last = append(account, arg, data);
    if last.status != 200 {
        return last;
    }
    let id = arg["cursor"]["session_id"].as_str().unwrap();
    let data = account.sessions.remove(id).unwrap();
    upload(account, &arg["commit"], data)
}

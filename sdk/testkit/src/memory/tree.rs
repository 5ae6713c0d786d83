//! Directories and files in a sorted map from path to node.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use causeway_sdk::{DirPage, Entry, Error, ErrorKind, Page, Result, Stat, Url, WriteOptions};
use percent_encoding::percent_decode_str;

/// Decoded segments; a sorted map of these has a directory's contents side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<String>);

impl Path {
    pub(super) fn of(at: &Url) -> Self {
        let segments = at.path().split('/').filter(|it| !it.is_empty());
        let decoded = segments.map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned());
        Self(
            std::iter::once(at.host().to_owned())
                .chain(decoded)
                .collect(),
        )
    }

    fn parent(&self) -> Option<Self> {
        match self.0.len() {
            0 | 1 => None,
            len => Some(Self(self.0[..len - 1].to_vec())),
        }
    }

    fn holds(&self, other: &Self) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content: Bytes,
    pub(super) etag: String,
}

#[derive(Clone, Debug)]
enum Node {
    Directory,
    File(File),
}

/// Everything that is stored.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<Path, Node>,
    tokens: BTreeSet<String>,
    versions: u64,
    suspended: BTreeMap<String, BTreeMap<u64, Bytes>>,
}

impl Tree {
    /// Leaves the chunks of a write for a later one.
    pub(super) fn suspend(&mut self, key: String, chunks: BTreeMap<u64, Bytes>) {
        self.suspended.insert(key, chunks);
    }

    /// What an earlier write left; it is there once.
    pub(super) fn take_up(&mut self, key: &str) -> BTreeMap<u64, Bytes> {
        self.suspended.remove(key).unwrap_or_default()
    }

    fn node(&self, path: &Path) -> Result<&Node> {
        // The top of every host is there without having been made.
        if path.parent().is_none() {
            return Ok(&Node::Directory);
        }
        if let Some(node) = self.nodes.get(path) {
            return Ok(node);
        }
        match path.parent().map(|above| self.node(&above)) {
            Some(Ok(Node::File(_))) => Err(error(ErrorKind::NotDirectory)),
            _ => Err(error(ErrorKind::NotFound)),
        }
    }

    pub(super) fn file(&self, path: &Path) -> Result<&File> {
        match self.node(path)? {
            Node::File(file) => Ok(file),
            Node::Directory => Err(error(ErrorKind::IsDirectory)),
        }
    }

    pub(super) fn stat(&self, path: &Path) -> Result<Stat> {
        self.node(path).map(stat)
    }

    fn children<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Path, &'a Node)> {
        self.nodes
            .range(path..)
            .skip_while(move |(it, _)| *it == path)
            .take_while(move |(it, _)| path.holds(it))
            .filter(move |(it, _)| it.0.len() == path.0.len() + 1)
    }

    /// The cursor is the last name of the page before.
    pub(super) fn list(&self, path: &Path, page: &Page) -> Result<DirPage> {
        if let Node::File(_) = self.node(path)? {
            return Err(error(ErrorKind::NotDirectory));
        }
        let after = page.cursor.as_deref().unwrap_or("");
        let limit = match page.limit {
            0 => 100,
            limit => limit as usize,
        };
        let mut rest = self.children(path).filter_map(|(it, node)| {
            let name = it.0.last().filter(|name| name.as_str() > after)?;
            Some((name.clone(), node))
        });
        let entries: Vec<Entry> = rest
            .by_ref()
            .take(limit)
            .map(|(name, node)| Entry {
                name,
                stat: stat(node),
            })
            .collect();
        let more = rest.next().is_some();
        let next = entries.last().filter(|_| more).map(|it| it.name.clone());
        Ok(DirPage { entries, next })
    }

    pub(super) fn mkdir(&mut self, path: &Path, parents: bool) -> Result<()> {
        match self.node(path) {
            Ok(Node::Directory) if parents => return Ok(()),
            Ok(_) => return Err(error(ErrorKind::Exists)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(above) = path.parent() {
            match self.node(&above) {
                Ok(_) => {}
                Err(_) if parents => self.mkdir(&above, true)?,
                Err(error) => return Err(error),
            }
        }
        self.nodes.insert(path.clone(), Node::Directory);
        Ok(())
    }

    pub(super) fn rmdir(&mut self, path: &Path) -> Result<()> {
        match self.node(path)? {
            Node::File(_) => return Err(error(ErrorKind::NotDirectory)),
            Node::Directory if self.children(path).next().is_some() => {
                return Err(error(ErrorKind::NotEmpty));
            }
            Node::Directory => {}
        }
        self.nodes.remove(path);
        Ok(())
    }

    pub(super) fn unlink(&mut self, path: &Path) -> Result<()> {
        self.file(path)?;
        self.nodes.remove(path);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, overwrite: bool) -> Result<()> {
        self.node(from)?;
        match self.node(to) {
            Ok(_) if !overwrite => return Err(error(ErrorKind::Exists)),
            Ok(Node::Directory) => return Err(error(ErrorKind::IsDirectory)),
            _ => {}
        }
        if let Some(above) = to.parent() {
            self.node(&above)?;
        }
        let moving = |it: &Path| it == from || from.holds(it);
        let old: Vec<Path> = self.nodes.keys().filter(|it| moving(it)).cloned().collect();
        for path in old {
            if let Some(node) = self.nodes.remove(&path) {
                let below = path.0[from.0.len()..].iter().cloned();
                let new = to.0.iter().cloned().chain(below).collect();
                self.nodes.insert(Path(new), node);
            }
        }
        Ok(())
    }

    /// Makes what a write needs and says at once what cannot work.
    pub(super) fn may_write(&mut self, path: &Path, options: &WriteOptions) -> Result<()> {
        match self.node(path) {
            Ok(Node::Directory) => return Err(error(ErrorKind::IsDirectory)),
            Ok(Node::File(_)) if !options.overwrite => return Err(error(ErrorKind::Exists)),
            _ => {}
        }
        match path.parent() {
            Some(above) if options.parents => self.mkdir(&above, true),
            Some(above) => self.node(&above).map(|_| ()),
            None => Ok(()),
        }
    }

    pub(super) fn put(&mut self, path: &Path, content: Bytes, overwrite: bool) -> Result<String> {
        let options = WriteOptions {
            overwrite,
            ..WriteOptions::default()
        };
        self.may_write(path, &options)?;
        self.versions += 1;
        let etag = format!("\"{}\"", self.versions);
        let file = File {
            content,
            etag: etag.clone(),
        };
        self.nodes.insert(path.clone(), Node::File(file));
        Ok(etag)
    }

    pub(super) fn used(&self) -> u64 {
        let sizes = self.nodes.values().map(|it| match it {
            Node::File(file) => file.content.len() as u64,
            Node::Directory => 0,
        });
        sizes.sum()
    }

    pub(super) fn new_token(&mut self) -> String {
        self.versions += 1;
        let token = format!("token-{}", self.versions);
        self.tokens.insert(token.clone());
        token
    }

    pub(super) fn know_token(&self, token: &str) -> Result<()> {
        if self.tokens.contains(token) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Invalid, "use an unknown token"))
    }
}

fn stat(node: &Node) -> Stat {
    match node {
        Node::Directory => Stat::directory(),
        Node::File(file) => Stat {
            etag: Some(file.etag.clone()),
            locality: super::locality(),
            ..Stat::file(file.content.len() as u64)
        },
    }
}

/// An error with the system's own text.
fn error(kind: ErrorKind) -> Error {
    Error::from_errno(kind.errno(), "")
}

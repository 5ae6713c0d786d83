//! The ledger of a streamed transfer: which pieces of the file arrived, with the checksum they had
//! when they passed. It outlives attempt, worker and gateway, so that a transfer that was broken
//! off can go on where it was.
//!
//! A small text file for each transfer, in a directory of the worker's machine: a first line that
//! names the write, then a line for each piece. Every line carries its own CRC; reading ends at the
//! first line that is not whole. Nothing is synced: the ledger only says what to look for, and a
//! piece counts after the destination was read back and has the same checksum. Knows no storage.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use causeway_model::{FileId, JobId};
use causeway_sdk::Algorithm;

/// What the first word of a ledger is.
const MAGIC: &str = "causeway-ledger-1";
/// Ledgers that nobody wrote to for so long are of no use: storages keep a broken write for a day.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Names a write: which bytes go where, and how they are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The key that the storage knows it by; another source gives another key.
    pub(crate) key: String,
    /// Size of the file.
    pub(crate) size: u64,
    /// Size of a piece; the last one may be shorter.
    pub(crate) range: u64,
}

/// What a ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) header: Header,
    /// Version of the source, as it was told when it was opened.
    pub(crate) version: Option<String>,
    /// Adler-32 of pieces, by their number.
    pub(crate) pieces: BTreeMap<u64, u32>,
}

/// What one line behind the first says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// The source was opened and is of this version.
    Version(String),
    /// A piece arrived: its number and its Adler-32.
    Piece(u64, u32),
}

/// A ledger being written.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
}

/// Where the ledger of a transfer is.
pub(crate) fn path(dir: &Path, file: FileId, job: JobId) -> PathBuf {
    dir.join(format!("{file}-{job}"))
}

/// A key for the storage: letters and digits only, and the same for the same facts only.
pub(crate) fn key(facts: &[&str]) -> String {
    let mut hasher = Algorithm::Sha256.hasher();
    for fact in facts {
        hasher.update(fact.as_bytes());
        // No fact holds it, so no two lists of facts look the same.
        hasher.update(b"\0");
    }
    let mut key = hasher.finish().hex;
    key.truncate(40);
    key
}

/// Reads a ledger; `None` when there is none, or none that can be read.
pub(crate) fn read(path: &Path) -> Option<Contents> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).ok()?,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "failed to read a ledger");
            }
            return None;
        }
    };
    let mut lines = text.split_inclusive('\n').map_while(whole);
    let mut contents = Contents {
        header: header(lines.next()?)?,
        version: None,
        pieces: BTreeMap::new(),
    };
    for note in lines.map_while(note) {
        match note {
            Note::Version(version) => contents.version = Some(version),
            Note::Piece(index, adler) => drop(contents.pieces.insert(index, adler)),
        }
    }
    Some(contents)
}

/// Removes a ledger; none being there is fine.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "failed to remove a ledger");
    }
}

/// Transfers that have a ledger.
pub(crate) fn owners(dir: &Path) -> Vec<FileId> {
    let Ok(entries) = fs::read_dir(dir) else {
        // Made when the first ledger is.
        return Vec::new();
    };
    let owner = |it: fs::DirEntry| {
        let name = it.file_name();
        let (file, _) = name.to_str()?.split_once('-')?;
        file.parse().ok().map(FileId)
    };
    entries.flatten().filter_map(owner).collect()
}

/// Removes ledgers that nobody will come back to.
pub(crate) fn sweep(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        // Made when the first ledger is.
        return;
    };
    for entry in entries.flatten() {
        let written = entry.metadata().and_then(|it| it.modified());
        let age = written.map(|it| SystemTime::now().duration_since(it).unwrap_or_default());
        if age.is_ok_and(|age| age > KEPT) {
            remove(&entry.path());
        }
    }
}

impl Ledger {
    /// Begins a ledger with pieces that are there already, in place of an older one.
    pub(crate) fn create(path: &Path, contents: &Contents) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = options.open(path)?;
        let it = &contents.header;
        let mut text = line(&format!("{MAGIC} {} {} {}", it.key, it.size, it.range));
        if let Some(version) = &contents.version {
            text.push_str(&Note::Version(version.clone()).line());
        }
        for (index, adler) in &contents.pieces {
            text.push_str(&Note::Piece(*index, *adler).line());
        }
        file.write_all(text.as_bytes())?;
        Ok(Self { file })
    }

    /// Writes a line.
    pub(crate) fn append(&mut self, note: &Note) -> io::Result<()> {
        self.file.write_all(note.line().as_bytes())
    }
}

impl Note {
    fn line(&self) -> String {
        match self {
            // A newline would end the line.
            Self::Version(version) => line(&format!("version {}", version.replace('\n', " "))),
            Self::Piece(index, adler) => line(&format!("{index} {adler:08x}")),
        }
    }
}

fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 10);
    line.push_str(text);
    writeln!(line, " {}", crc(text)).expect("a string takes what is written to it");
    line
}

/// The text of a line with a newline and the right CRC.
fn whole(line: &str) -> Option<&str> {
    let (text, sum) = line.strip_suffix('\n')?.rsplit_once(' ')?;
    (crc(text) == sum).then_some(text)
}

fn crc(text: &str) -> String {
    let mut hasher = Algorithm::Crc32c.hasher();
    hasher.update(text.as_bytes());
    hasher.finish().hex
}

fn header(text: &str) -> Option<Header> {
    let mut words = text.strip_prefix(MAGIC)?.split_whitespace();
    Some(Header {
        key: words.next()?.to_owned(),
        size: words.next()?.parse().ok()?,
        range: words.next()?.parse().ok().filter(|it| *it > 0)?,
    })
}

fn note(text: &str) -> Option<Note> {
    let (first, rest) = text.split_once(' ')?;
    if first == "version" {
        return Some(Note::Version(rest.to_owned()));
    }
    let adler = u32::from_str_radix(rest, 16).ok()?;
    Some(Note::Piece(first.parse().ok()?, adler))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents {
            header: Header {
                key: key(&["a", "b"]),
                size: 1000,
                range: 100,
            },
            version: Some("\"a b\"".into()),
            pieces: [(0, 7), (3, 0xffff_fff1)].into(),
        }
    }

    #[test]
    fn what_was_written_is_read_and_a_torn_tail_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/on/demand");
        assert_eq!(read(&path), None);
        let mut ledger = Ledger::create(&path, &contents()).unwrap();
        ledger.append(&Note::Piece(4, 9)).unwrap();
        let mut expected = contents();
        expected.pieces.insert(4, 9);
        assert_eq!(read(&path), Some(expected.clone()));
        let whole = fs::read(&path).unwrap();
        let mut torn = whole.clone();
        torn.extend_from_slice(&line("5 00000001").as_bytes()[..12]);
        for damaged in [torn, whole[..whole.len() - 1].to_vec()] {
            fs::write(&path, &damaged).unwrap();
            let seen = read(&path).unwrap();
            assert!(!seen.pieces.contains_key(&5));
            assert_eq!(seen.pieces[&3], 0xffff_fff1);
        }
        let mut flipped = whole.clone();
        let at = whole.iter().position(|it| *it == b'\n').unwrap() + 1;
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert!(
            read(&path).unwrap().pieces.is_empty(),
            "nothing behind damage"
        );
        fs::write(&path, &whole[..10]).unwrap();
        assert_eq!(read(&path), None);
        remove(&path);
        remove(&path);
        assert!(!path.exists());
    }

    #[test]
    fn other_facts_give_another_key() {
        assert_ne!(key(&["a", "bc"]), key(&["ab", "c"]));
        assert_eq!(key(&["a"]), key(&["a"]));
        assert!(key(&["a"]).bytes().all(|it| it.is_ascii_alphanumeric()));
    }

    #[test]
    fn only_old_ledgers_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        for (name, hours) in [("young", 23), ("old", 25)] {
            let file = File::create(dir.path().join(name)).unwrap();
            let age = Duration::from_secs(hours * 3600);
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        sweep(dir.path());
        sweep(&dir.path().join("nowhere"));
        assert!(dir.path().join("young").exists() && !dir.path().join("old").exists());
    }
}

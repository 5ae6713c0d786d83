//! Directories: the entries that `list=name:mode:size,...` names.

use causeway_sdk::{DirPage, Entry, EntryKind, Error, ErrorKind, Page, Result, Stat};

use crate::script::Script;

const ENOTDIR: i32 = 20;
const TYPE_BITS: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;

/// One page; the cursor is the number of entries that went before.
pub(crate) fn page(script: &Script, page: &Page) -> Result<DirPage> {
    let Some(list) = &script.list else {
        return Err(Error::from_errno(ENOTDIR, ""));
    };
    let skip = match &page.cursor {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Error::new(ErrorKind::Invalid, "continue a listing: unknown cursor"))?,
    };
    let limit = match page.limit {
        0 => usize::MAX,
        limit => limit as usize,
    };
    let mut rest = list.split(',').filter(|it| !it.is_empty()).skip(skip);
    let entries: Vec<Entry> = rest.by_ref().take(limit).map(entry).collect();
    let next = rest.next().map(|_| (skip + entries.len()).to_string());
    Ok(DirPage { entries, next })
}

fn entry(text: &str) -> Entry {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default().to_owned();
    let mode = parts.next().and_then(|it| u32::from_str_radix(it, 8).ok());
    let size = parts.next().and_then(|it| it.parse().ok()).unwrap_or(0);
    let mode = mode.unwrap_or(0o644);
    let directory = mode & TYPE_BITS == DIRECTORY;
    let kind = if directory {
        EntryKind::Directory
    } else {
        EntryKind::File
    };
    Entry {
        name,
        stat: Stat {
            kind,
            size: Some(size),
            mode: Some(if mode & TYPE_BITS == 0 {
                mode | 0o100_000
            } else {
                mode
            }),
            nlink: Some(1),
            ..Stat::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let script = Script {
            list: Some("a:644:10,d:40755:0,c".into()),
            ..Script::default()
        };
        let first = page(
            &script,
            &Page {
                cursor: None,
                limit: 2,
            },
        )
        .unwrap();
        assert_eq!(first.entries[0].name, "a");
        assert_eq!(first.entries[0].stat.mode, Some(0o100_644));
        assert_eq!(first.entries[0].stat.size, Some(10));
        assert!(first.entries[1].stat.is_directory());
        let second = page(
            &script,
            &Page {
                cursor: first.next,
                limit: 2,
            },
        )
        .unwrap();
        assert_eq!((second.entries.len(), second.next), (1, None));
        let odd = Page {
            cursor: Some("x".into()),
            limit: 0,
        };
        assert_eq!(page(&script, &odd).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

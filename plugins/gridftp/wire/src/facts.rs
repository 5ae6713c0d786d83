//! Offers [`Facts`]: what `MLST`, `MLSD` and `MLSC` say of one name.

use crate::{Error, Result};

/// What stands at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A file.
    #[default]
    File,
    /// A directory.
    Directory,
    /// The listed directory itself, or the one above it.
    Itself,
    /// A symbolic link.
    Link,
    /// Something else.
    Other,
}

/// Facts about one name; `None` for what the server does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Name as the server writes it: a path from `MLST`, the last segment in listings.
    pub name: String,
    /// Bytes.
    pub size: Option<u64>,
    /// Last modification, seconds since 1970 UTC.
    pub modified: Option<i64>,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Changes with the file's identity (RFC 3659 `Unique`).
    pub unique: Option<String>,
    /// Account that owns it.
    pub owner: Option<String>,
    /// Group that owns it.
    pub group: Option<String>,
    /// Hard links.
    pub links: Option<u64>,
}

impl Facts {
    /// Reads `Type=file;Size=1; name`, with or without a blank in front.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] when there is no name.
    pub fn parse(line: &str) -> Result<Self> {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let (facts, name) = line
            .split_once(' ')
            .filter(|(_, name)| !name.is_empty())
            .ok_or_else(|| Error::protocol("read the facts of a file: there is no name"))?;
        let mut found = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        for fact in facts.split(';') {
            if let Some((key, value)) = fact.split_once('=') {
                found.take(&key.to_ascii_lowercase(), value);
            }
        }
        Ok(found)
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "type" => self.kind = kind_of(value),
            "size" => self.size = decimal(value),
            "modify" => self.modified = parse_time(value),
            "unix.mode" => self.mode = u32::from_str_radix(value, 8).ok().map(|it| it & 0o7777), // else not told
            "unix.owner" => self.owner = Some(value.to_owned()),
            "unix.group" => self.group = Some(value.to_owned()),
            "unix.nlink" => self.links = decimal(value),
            "unique" => self.unique = Some(value.to_owned()),
            _ => {}
        }
    }

    /// The last segment of the name.
    pub fn segment(&self) -> &str {
        let trimmed = self.name.trim_end_matches('/');
        trimmed.rsplit('/').next().unwrap_or(trimmed)
    }
}

fn kind_of(value: &str) -> Kind {
    let value = value.to_ascii_lowercase();
    match value.as_str() {
        "file" => Kind::File,
        "dir" => Kind::Directory,
        "cdir" | "pdir" => Kind::Itself,
        _ if value.contains("slink") || value.contains("symlink") => Kind::Link,
        _ => Kind::Other,
    }
}

fn decimal(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// `YYYYMMDDHHMMSS`, perhaps with a fraction, in UTC.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let digits = text.split('.').next()?;
    if digits.len() != 14 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits[from..to].parse::<i8>().ok();
    let year = digits[..4].parse().ok()?;
    let time = (number(8, 10)?, number(10, 12)?, number(12, 14)?.min(59));
    let when = jiff::civil::DateTime::new(
        year,
        number(4, 6)?,
        number(6, 8)?,
        time.0,
        time.1,
        time.2,
        0,
    )
    .ok()?; // no such day
    let zoned = when.to_zoned(jiff::tz::TimeZone::UTC).ok()?; // beyond the calendar
    Some(zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_servers_send() {
        let facts = Facts::parse(" Type=file;Modify=20261122005605;Size=20000000;Perm=awr;UNIX.mode=0644;UNIX.owner=root;UNIX.uid=0;UNIX.group=staff;Unique=fe00-9ec3d6; /a b/c ;d").unwrap();
        assert_eq!(
            (facts.kind, facts.name.as_str(), facts.segment()),
            (Kind::File, "/a b/c ;d", "c ;d")
        );
        assert_eq!(
            (facts.size, facts.modified, facts.mode),
            (Some(20_000_000), Some(1_795_308_965), Some(0o644))
        );
        assert_eq!(
            (facts.owner.as_deref(), facts.unique.as_deref()),
            (Some("root"), Some("fe00-9ec3d6"))
        );
        let here = Facts::parse("Type=cdir;X.count=4; .").unwrap();
        assert_eq!(here.kind, Kind::Itself);
        assert_eq!(
            Facts::parse("type=OS.unix=slink:/x; l").unwrap().kind,
            Kind::Link
        );
    }

    #[test]
    fn odd_facts_are_not_told_and_no_name_is_an_error() {
        let facts = Facts::parse("Size=-1;Modify=20261322005605;UNIX.mode=9;Type; x").unwrap();
        assert_eq!((facts.size, facts.modified, facts.mode), (None, None, None));
        for line in ["", "Type=file;", "Type=file; "] {
            assert!(Facts::parse(line).is_err(), "{line:?}");
        }
        assert_eq!(parse_time("19700101000001.123"), Some(1));
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(line: String) {
            if let Ok(facts) = Facts::parse(&line) {
                facts.segment();
            }
            parse_time(&line);
        }
    }
}

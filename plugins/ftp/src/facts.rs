//! Lines of MLST and MLSD: facts and a name (RFC 3659 section 7).

use causeway_sdk::{EntryKind, Stat};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// An entry of the directory, or what was asked about.
    Entry(Stat),
    /// The directory itself or the one above.
    Around(Stat),
}

/// The facts and the name in a line; `None` when it is none of that form.
pub(crate) fn read(line: &str) -> Option<(Line, &str)> {
    // Facts hold no blank; the name is all behind the first, other blanks included.
    let (facts, name) = line.split_once(' ')?;
    if name.is_empty() || !(facts.is_empty() || facts.ends_with(';')) {
        return None;
    }
    let mut stat = Stat::default();
    let mut is_around = false;
    let mut mode = None;
    for fact in facts.split_terminator(';') {
        let (key, value) = fact.split_once('=')?;
        match &*key.to_ascii_lowercase() {
            "type" => (stat.kind, is_around) = kind(value),
            "size" | "sizd" => stat.size = value.parse().ok(),
            "modify" => stat.mtime = time(value),
            "unix.mode" => mode = u32::from_str_radix(value, 8).ok(),
            "unix.nlink" => stat.nlink = value.parse().ok(),
            _ => {}
        }
    }
    if stat.kind != EntryKind::File {
        stat.size = None;
    }
    let type_bits = match stat.kind {
        EntryKind::File => 0o100_000,
        EntryKind::Directory => 0o040_000,
        EntryKind::Symlink => 0o120_000,
        EntryKind::Other => 0,
    };
    stat.mode = mode
        .filter(|_| type_bits != 0)
        .map(|it| (it & 0o7777) | type_bits);
    let line = if is_around {
        Line::Around(stat)
    } else {
        Line::Entry(stat)
    };
    Some((line, name))
}

fn kind(value: &str) -> (EntryKind, bool) {
    match &*value.to_ascii_lowercase() {
        "file" => (EntryKind::File, false),
        "dir" => (EntryKind::Directory, false),
        "cdir" | "pdir" => (EntryKind::Directory, true),
        it if it.starts_with("os.unix=slink") || it.starts_with("os.unix=symlink") => {
            (EntryKind::Symlink, false)
        }
        _ => (EntryKind::Other, false),
    }
}

/// `YYYYMMDDHHMMSS`, with a fraction maybe, as seconds since 1970; always UTC.
pub(crate) fn time(text: &str) -> Option<i64> {
    let digits = text.split('.').next()?;
    if digits.len() != 14 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits[from..to].parse::<i16>().ok();
    let small = |from: usize| part(from, from + 2).map(|it| it as i8);
    let at = DateTime::new(
        part(0, 4)?,
        small(4)?,
        small(6)?,
        small(8)?,
        small(10)?,
        small(12)?.min(59),
        0,
    );
    let at = at.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_real_servers() {
        let line = "type=file;size=156;perm=r;modify=20071029155301;unique=8012; music; 1.mp3";
        let (it, name) = read(line).unwrap();
        assert_eq!(name, "music; 1.mp3");
        let Line::Entry(stat) = it else {
            panic!("{it:?}")
        };
        assert_eq!((stat.kind, stat.size), (EntryKind::File, Some(156)));
        assert_eq!(stat.mtime, Some(1_193_673_181));
        let line = "Type=dir;Modify=20201019151930.123;UNIX.mode=0755;Size=4096;  blank";
        let (it, name) = read(line).unwrap();
        assert_eq!(name, " blank");
        let Line::Entry(stat) = it else {
            panic!("{it:?}")
        };
        assert_eq!((stat.kind, stat.size), (EntryKind::Directory, None));
        assert_eq!(stat.mode, Some(0o040_755));
        for (line, kind) in [
            ("type=OS.unix=slink:/x; l", EntryKind::Symlink),
            ("type=OS.unix=chr-1/3; c", EntryKind::Other),
            (" plain", EntryKind::File),
        ] {
            let (Line::Entry(stat), _) = read(line).unwrap() else {
                panic!("{line}")
            };
            assert_eq!(stat.kind, kind, "{line}");
        }
        for line in ["type=cdir; .", "type=pdir; /a"] {
            assert!(matches!(read(line), Some((Line::Around(_), _))), "{line}");
        }
        for line in ["", "type=file;", "drwxr-xr-x 2 a b", "type=file; "] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn times_are_utc_and_whole() {
        assert_eq!(time("19700101000000"), Some(0));
        assert_eq!(time("20240229123456.789"), Some(1_709_210_096));
        for text in [
            "",
            "2024",
            "20241332000000",
            "2024022912345x",
            "202402291234567",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fall(line in "\\PC*", other in "(type|size|modify)=[^ ]*; .*") {
            read(&line);
            read(&other);
        }

        #[test]
        fn names_come_out_as_they_went_in(name in "[^\\r\\n]{1,40}") {
            let line = format!("type=file;size=1; {name}");
            prop_assert_eq!(read(&line).unwrap().1, name);
        }
    }
}

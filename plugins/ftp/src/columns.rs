//! Lines of LIST, whose form no standard gives: as `ls -l` writes them, and as DOS does.
//!
//! Times are left out. They are in a zone that is not told, without seconds, and often without
//! a year.

use causeway_sdk::{EntryKind, Stat};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// Columns of `ls -l` before the date: mode, links, owner, group, size (two of a device).
const MOST_BEFORE_DATE: usize = 7;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// An entry and its name.
    Entry(Stat, &'a str),
    /// Nothing about an entry: empty, or a sum.
    Nothing,
    /// Of no form that is known.
    Unknown,
}

/// Reads a line.
pub(crate) fn read(line: &str) -> Line<'_> {
    let trimmed = line.trim();
    if trimmed.is_empty() || is_total(trimmed) {
        return Line::Nothing;
    }
    let found = match line.as_bytes()[0] {
        b'-' | b'd' | b'l' | b'b' | b'c' | b'p' | b's' | b'D' => unix(line),
        b'0'..=b'9' => dos(line),
        _ => None,
    };
    found.map_or(Line::Unknown, |(stat, name)| Line::Entry(stat, name))
}

fn is_total(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    first.eq_ignore_ascii_case("total") && words.all(|it| it.parse::<u64>().is_ok())
}

/// The next word, where it starts, and where it ends.
fn word(line: &str, from: usize) -> Option<(&str, usize)> {
    let start = from + line[from..].find(|it: char| !it.is_whitespace())?;
    let end = line[start..]
        .find(char::is_whitespace)
        .map_or(line.len(), |it| start + it);
    Some((&line[start..end], end))
}

fn unix(line: &str) -> Option<(Stat, &str)> {
    let (mode, mut end) = word(line, 0)?;
    let is_mode = mode.len() >= 10
        && mode
            .bytes()
            .skip(1)
            .take(9)
            .all(|it| b"rwxsStTlL-".contains(&it));
    if !is_mode {
        return None;
    }
    let mut size = None;
    for _ in 0..MOST_BEFORE_DATE {
        let (text, text_end) = word(line, end)?;
        if let Some(name_at) = date(line, text, text_end) {
            // One blank: what follows belongs to the name.
            let name = line.get(name_at..)?.strip_prefix(' ')?;
            return entry(mode, size, name);
        }
        size = text.parse::<u64>().ok();
        end = text_end;
    }
    None
}

/// Where a date ends that begins with this word: `Nov 22 18:27`, `Nov 22 2026`, `22 Nov 2026`, or
/// `2026-11-22 18:27`.
fn date(line: &str, first: &str, end: usize) -> Option<usize> {
    let is_month = |it: &str| MONTHS.iter().any(|month| it.eq_ignore_ascii_case(month));
    let is_day = |it: &str| it.parse::<u8>().is_ok_and(|it| (1..=31).contains(&it));
    let is_clock = |it: &str| it.contains(':') || (it.len() == 4 && it.parse::<u16>().is_ok());
    let (second, second_end) = word(line, end)?;
    if is_iso(first) && second.contains(':') {
        return Some(second_end);
    }
    let fits = (is_month(first) && is_day(second)) || (is_day(first) && is_month(second));
    let (third, third_end) = word(line, second_end)?;
    (fits && is_clock(third)).then_some(third_end)
}

fn is_iso(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[0].is_ascii_digit()
}

fn entry<'a>(mode: &str, size: Option<u64>, name: &'a str) -> Option<(Stat, &'a str)> {
    let (kind, type_bits) = match mode.as_bytes()[0] {
        b'-' => (EntryKind::File, 0o100_000),
        b'd' => (EntryKind::Directory, 0o040_000),
        b'l' => (EntryKind::Symlink, 0o120_000),
        _ => (EntryKind::Other, 0),
    };
    let name = match kind {
        EntryKind::Symlink => name.split_once(" -> ").map_or(name, |(name, _)| name),
        _ => name,
    };
    let stat = Stat {
        kind,
        size: size.filter(|_| kind == EntryKind::File),
        mode: (type_bits != 0).then(|| type_bits | bits(mode)),
        ..Stat::default()
    };
    (!name.is_empty()).then_some((stat, name))
}

/// The lower nine bits; the others are rarely told rightly.
fn bits(mode: &str) -> u32 {
    let letters = mode.bytes().skip(1).take(9);
    letters.fold(0, |bits, it| {
        (bits << 1) | u32::from(!matches!(it, b'-' | b'S' | b'T' | b'l' | b'L'))
    })
}

/// `11-22-26  06:27PM  <DIR>  name`, or a size instead of `<DIR>`.
fn dos(line: &str) -> Option<(Stat, &str)> {
    let (date, end) = word(line, 0)?;
    let (clock, end) = word(line, end)?;
    let is_date = date.len() >= 8 && date.split(['-', '/', '.']).count() == 3;
    let is_clock = clock.contains(':') && clock.as_bytes()[0].is_ascii_digit();
    if !is_date || !is_clock {
        return None;
    }
    let (what, end) = word(line, end)?;
    let rest = line.get(end..)?;
    if what.starts_with('<') {
        let (stat, rest) = match what {
            "<DIR>" => (Stat::directory(), rest),
            _ => (
                Stat {
                    kind: EntryKind::Symlink,
                    ..Stat::default()
                },
                rest,
            ),
        };
        let name = rest.trim_start();
        let name = name
            .split_once(" [")
            .filter(|_| !stat.is_directory())
            .map_or(name, |it| it.0);
        return (!name.is_empty()).then_some((stat, name));
    }
    let size = what.replace(',', "").parse().ok()?;
    let name = rest.strip_prefix(' ')?;
    (!name.is_empty()).then(|| (Stat::file(size), name))
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;

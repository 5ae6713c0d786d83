//! What a server says it can do (RFC 2389).

use causeway_sdk::{Algorithm, Checksum};

use crate::reply::Reply;

/// The features that make a difference here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Features {
    /// MLST and MLSD (RFC 3659).
    pub(crate) has_facts: bool,
    pub(crate) has_utf8: bool,
    /// Names HASH takes, with their algorithms.
    hashes: Vec<(Algorithm, String)>,
    /// Commands of their own, with their algorithms.
    commands: Vec<(Algorithm, &'static str)>,
}

/// Commands that some servers have for one algorithm each.
const COMMANDS: [(&str, Algorithm); 5] = [
    ("XCRC", Algorithm::Crc32),
    ("XMD5", Algorithm::Md5),
    ("XSHA1", Algorithm::Sha1),
    ("XSHA", Algorithm::Sha1),
    ("XSHA256", Algorithm::Sha256),
];

/// How to ask for a checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way<'a> {
    /// `OPTS HASH name`, then `HASH` (draft-bryan-ftp-hash).
    Hash(&'a str),
    /// A command of its own.
    Command(&'static str),
}

impl Features {
    /// Reads the answer to FEAT.
    pub(crate) fn read(reply: &Reply) -> Self {
        let mut it = Self::default();
        if reply.is_good() {
            for line in reply.inner_lines() {
                it.learn(line.trim());
            }
        }
        it
    }

    fn learn(&mut self, line: &str) {
        let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let name = name.to_ascii_uppercase();
        match &*name {
            // Some list one of the two and have both.
            "MLST" | "MLSD" => self.has_facts = true,
            "UTF8" => self.has_utf8 = true,
            "HASH" => {
                let names = rest.split([';', ' ']).map(|it| it.trim_end_matches('*'));
                let known = names.filter_map(|it| Some((it.parse().ok()?, it.to_owned())));
                self.hashes = known.collect();
            }
            _ => {
                let own = COMMANDS.iter().find(|(command, _)| *command == name);
                self.commands
                    .extend(own.map(|(command, it)| (*it, *command)));
            }
        }
    }

    /// How to ask for a checksum, if the server has it.
    pub(crate) fn way(&self, algorithm: Algorithm) -> Option<Way<'_>> {
        let hash = self.hashes.iter().find(|(it, _)| *it == algorithm);
        let command = || self.commands.iter().find(|(it, _)| *it == algorithm);
        hash.map(|(_, name)| Way::Hash(name))
            .or_else(|| command().map(|(_, name)| Way::Command(name)))
    }
}

/// The checksum in an answer: `213 SHA-256 0-49 0123.. name`, `250 0123..`, `250 "name" 0123..`.
pub(crate) fn checksum_in(reply: &Reply, algorithm: Algorithm, path: &str) -> Option<Checksum> {
    let text = reply.first();
    // The name may look like a checksum.
    let text = text.strip_suffix(path).unwrap_or(text);
    let is_hex = |it: &&str| it.bytes().all(|it| it.is_ascii_hexdigit());
    let words = || text.split_whitespace().filter(|it| !it.is_empty());
    let whole = words()
        .filter(is_hex)
        .find(|it| it.len() == algorithm.digits());
    // Some leave out leading zeros of a CRC.
    let is_short = |it: &&str| algorithm == Algorithm::Crc32 && it.len() < algorithm.digits();
    let short = || words().next_back().filter(is_hex).filter(is_short);
    whole.or_else(short).map(|it| Checksum::new(algorithm, it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::reply;

    #[test]
    fn features_are_read_however_they_are_indented() {
        let text = "211-Features:\r\n MLST type*;size*;modify*;\r\nUTF8\r\n HASH SHA-256*;MD5;CRC32;X9\
                    \r\n\tXCRC filename;start;end\r\n xmd5\r\n211 End\r\n";
        let it = Features::read(&reply(text));
        assert!(it.has_facts && it.has_utf8);
        assert_eq!(it.way(Algorithm::Sha256), Some(Way::Hash("SHA-256")));
        assert_eq!(it.way(Algorithm::Crc32), Some(Way::Hash("CRC32")));
        assert_eq!(it.way(Algorithm::Sha1), None);
        let text = "211-Features:\r\n XCRC\r\n XSHA1\r\n211 End\r\n";
        let it = Features::read(&reply(text));
        assert_eq!(it.way(Algorithm::Crc32), Some(Way::Command("XCRC")));
        assert_eq!(it.way(Algorithm::Sha1), Some(Way::Command("XSHA1")));
        assert!(!it.has_facts);
        for none in [
            "500 Unknown\r\n",
            "211 No features\r\n",
            "502-x\r\n MLST\r\n502 y\r\n",
        ] {
            assert_eq!(Features::read(&reply(none)), Features::default());
        }
    }

    #[test]
    fn checksums_in_all_their_forms() {
        let md5 = "25f9e794323b453885f5181f1b624d0b";
        for text in [
            format!("213 MD5 0-9 {md5} /a/b\r\n"),
            format!("250 {md5}\r\n"),
            format!("250 \"/a/b\" {md5}\r\n"),
        ] {
            let it = checksum_in(&reply(&text), Algorithm::Md5, "/a/b").unwrap();
            assert_eq!(it.hex, md5);
        }
        let crc = |text| checksum_in(&reply(text), Algorithm::Crc32, "/deadbeef");
        assert_eq!(crc("250 CBF43926\r\n").unwrap().hex, "CBF43926");
        assert_eq!(crc("250 BF43926\r\n").unwrap().normalized(), "0bf43926");
        assert_eq!(
            crc("213 CRC32 0-9 cbf43926 /deadbeef\r\n").unwrap().hex,
            "cbf43926"
        );
        assert!(crc("250 done\r\n").is_none());
    }
}

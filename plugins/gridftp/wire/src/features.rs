//! Offers [`Features`]: what a server says it can do (`FEAT`). Asked once for each endpoint and kept.

use std::collections::BTreeMap;

use crate::reply::Reply;

/// Most features that are kept.
const MAX_FEATURES: usize = 200;

/// Features by name, in upper case, with what stands behind the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    by_name: BTreeMap<String, String>,
    /// False when the server does not know the question; then everything may be tried.
    is_known: bool,
}

impl Features {
    /// Reads the answer to `FEAT`.
    pub(crate) fn read(reply: &Reply) -> Self {
        if !reply.is_success() {
            return Self::default();
        }
        let mut by_name = BTreeMap::new();
        for line in reply.inner().iter().take(MAX_FEATURES) {
            let line = line.trim();
            let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            by_name.insert(name.to_ascii_uppercase(), rest.trim().to_owned());
        }
        Self {
            by_name,
            is_known: true,
        }
    }

    /// True when the server lists it, or lists nothing at all.
    pub fn may(&self, name: &str) -> bool {
        !self.is_known || self.has(name)
    }

    /// True when the server lists it.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// What stands behind a feature's name.
    pub fn of(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// Checksum algorithms, in upper case, as `CKSM MD5:10;ADLER32:10;` lists them.
    pub fn checksums(&self) -> Vec<String> {
        let list = self.of("CKSM").unwrap_or_default();
        let names = list.split(';').filter_map(|it| it.split(':').next());
        names
            .map(|it| it.trim().to_ascii_uppercase())
            .filter(|it| !it.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Assembler;

    fn reply(text: &str) -> Reply {
        let mut assembler = Assembler::default();
        let mut replies = text
            .lines()
            .filter_map(|it| assembler.line(it, 10_000).unwrap());
        replies.next().unwrap()
    }

    #[test]
    fn lists_and_their_absence() {
        let text = "211-Extensions supported\n MLST Type*;Size*;\n MLSC\n CKSM MD5:10;ADLER32:10;\n211 End.";
        let features = Features::read(&reply(text));
        assert!(features.has("MLSC") && features.may("MLST") && !features.may("SPAS"));
        assert_eq!(features.checksums(), ["MD5", "ADLER32"]);
        let unknown = Features::read(&reply("500 Unknown command."));
        assert!(unknown.may("MLSC") && !unknown.has("MLSC") && unknown.checksums().is_empty());
    }
}

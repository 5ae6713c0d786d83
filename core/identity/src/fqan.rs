//! VO membership: what attribute names (FQANs) say, and the virtual VO of people without any.

use std::collections::BTreeMap;

use crate::dn;

/// The VO and groups of one FQAN: `/dteam/cern/Role=lcgadmin` gives `dteam/cern`.
pub fn vo_of(fqan: &str) -> String {
    let parts = fqan.strip_prefix('/').unwrap_or(fqan).split('/');
    let groups: Vec<&str> = parts
        .take_while(|part| role_value(part).is_none())
        .collect();
    groups.join("/")
}

/// The role of one FQAN, if it has one.
pub fn role_of(fqan: &str) -> Option<&str> {
    let value = fqan.split('/').find_map(role_value)?;
    let end = value
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(value.len());
    let role = &value[..end];
    (!role.is_empty() && !role.eq_ignore_ascii_case("null")).then_some(role)
}

/// What follows `Role=`, in any case.
fn role_value(part: &str) -> Option<&str> {
    let (name, value) = part.split_once('=')?;
    name.eq_ignore_ascii_case("role").then_some(value)
}

/// The VOs of all FQANs, each once, in order of appearance.
pub fn vos_of(fqans: &[String]) -> Vec<String> {
    unique(fqans.iter().map(|fqan| vo_of(fqan)))
}

/// The roles of all FQANs, each once, in order of appearance.
pub fn roles_of(fqans: &[String]) -> Vec<String> {
    unique(
        fqans
            .iter()
            .filter_map(|fqan| role_of(fqan))
            .map(str::to_owned),
    )
}

fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for text in texts {
        if !text.is_empty() && !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

/// The virtual VO of a person without FQANs: `/DC=ch/DC=cern/CN=Test User` is `TestUser@cern.ch`.
pub fn virtual_vo(user_dn: &str) -> String {
    let parts = dn::split(user_dn);
    let name = parts
        .iter()
        .find(|(kind, _)| *kind == "CN")
        .map_or("", |(_, value)| value);
    let name: String = name.split_whitespace().collect();
    let domain: Vec<&str> = parts
        .iter()
        .rev()
        .filter(|(kind, _)| *kind == "DC")
        .map(|(_, value)| *value)
        .collect();
    format!("{name}@{}", domain.join("."))
}

/// Which VO a DN belongs to when its certificate does not say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VoMap {
    by_dn: BTreeMap<String, String>,
}

/// Why a map file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read vo map: line {line} is not of the form \"DN\" vo")]
pub struct VoMapError {
    /// Number of the line, from 1.
    pub line: usize,
}

impl VoMap {
    /// Reads lines of the form `"DN" vo`; empty lines and those that begin with `#` are passed
    /// over. A DN that occurs twice keeps its first VO.
    pub fn parse(text: &str) -> Result<Self, VoMapError> {
        let mut by_dn = BTreeMap::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (dn, vo) = parse_line(line).ok_or(VoMapError { line: index + 1 })?;
            by_dn.entry(key(dn)).or_insert_with(|| vo.to_owned());
        }
        Ok(Self { by_dn })
    }

    /// The VO of a DN.
    pub fn get(&self, dn: &str) -> Option<&str> {
        self.by_dn.get(dn).map(String::as_str)
    }
}

/// The slash form of a DN; the subject of a token, which is none, stays as it is.
fn key(name: &str) -> String {
    match name.contains('=') {
        true => dn::normalise(name),
        false => name.to_owned(),
    }
}

fn parse_line(line: &str) -> Option<(&str, &str)> {
    let (dn, vo) = line.strip_prefix('"')?.split_once('"')?;
    let vo = vo.trim();
    (!dn.is_empty() && !vo.is_empty() && !vo.contains(char::is_whitespace)).then_some((dn, vo))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn vo_is_what_stands_before_the_role() {
        assert_eq!(vo_of("/dteam/cern/Role=lcgadmin"), "dteam/cern");
        assert_eq!(vo_of("/dteam/Role=NULL/Capability=NULL"), "dteam");
        assert_eq!(vo_of("/dteam/ROLE=x"), "dteam");
        assert_eq!(vo_of("/dteam"), "dteam");
        assert_eq!(vo_of(""), "");
    }

    #[test]
    fn roles_keep_their_case_and_null_is_none() {
        assert_eq!(
            role_of("/a/Role=Production/Capability=NULL"),
            Some("Production")
        );
        assert_eq!(role_of("/a/role=null"), None);
        assert_eq!(role_of("/a"), None);
        assert_eq!(role_of("/a/Role=x-y"), Some("x"));
        let fqans = texts(&[
            "/testvo/Role=NULL",
            "/testvo/Role=myrole",
            "/testvo/Role=lcgadmin",
            "/b/Role=myrole",
        ]);
        assert_eq!(roles_of(&fqans), ["myrole", "lcgadmin"]);
        assert_eq!(vos_of(&fqans), ["testvo", "b"]);
    }

    #[test]
    fn virtual_vos() {
        assert_eq!(
            virtual_vo("/DC=ch/DC=cern/CN=Test User"),
            "TestUser@cern.ch"
        );
        assert_eq!(virtual_vo("/DC=ch/DC=cern/CN=a b/CN=c"), "ab@cern.ch");
        assert_eq!(virtual_vo("/O=x/CN=Joe"), "Joe@");
        assert_eq!(virtual_vo(""), "@");
    }

    #[test]
    fn map_files() {
        let map = VoMap::parse(
            "# people\n\n\"/DC=ch/CN=a\" atlas\n \"CN=b,DC=ch\"  cms \n\"/DC=ch/CN=a\" late\n",
        )
        .unwrap();
        assert_eq!(
            (map.get("/DC=ch/CN=a"), map.get("/DC=ch/CN=b")),
            (Some("atlas"), Some("cms"))
        );
        assert_eq!(map.get("/DC=ch/CN=c"), None);
        for bad in [
            "/DC=ch atlas",
            "\"/DC=ch\"",
            "\"/DC=ch\" a b",
            "\"\" a",
            "\"/DC=ch",
        ] {
            assert_eq!(VoMap::parse(bad), Err(VoMapError { line: 1 }), "{bad}");
        }
    }
}

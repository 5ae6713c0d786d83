//! The attribute types of distinguished names and their short names.

/// Short name and object identifier of every attribute type that has a name of its own here.
/// Whatever is not in the table is shown by its dotted object identifier.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("C", "2.5.4.6"),
    ("ST", "2.5.4.8"),
    ("L", "2.5.4.7"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("CN", "2.5.4.3"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("SN", "2.5.4.4"),
    ("GN", "2.5.4.42"),
    ("serialNumber", "2.5.4.5"),
    ("title", "2.5.4.12"),
    ("initials", "2.5.4.43"),
    ("description", "2.5.4.13"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("street", "2.5.4.9"),
    ("postalCode", "2.5.4.17"),
    ("unstructuredName", "1.2.840.113549.1.9.2"),
];

/// Other spellings met in configuration files and old records.
const ALIASES: &[(&str, &str)] = &[
    ("Email", "emailAddress"),
    ("E", "emailAddress"),
    ("USERID", "UID"),
    ("S", "ST"),
    ("SURNAME", "SN"),
];

/// The object identifier of the common name.
pub(crate) const COMMON_NAME: &str = "2.5.4.3";

/// The short name for a dotted object identifier, or that identifier itself.
pub(crate) fn short_name(dotted: &str) -> &str {
    SHORT_NAMES
        .iter()
        .find(|(_, oid)| *oid == dotted)
        .map_or(dotted, |(name, _)| name)
}

/// The spelling this crate writes for a type name in any case, with aliases resolved.
pub(crate) fn canonical_name(name: &str) -> &str {
    let bare = name
        .strip_prefix("OID.")
        .or_else(|| name.strip_prefix("oid."))
        .unwrap_or(name);
    let resolved = ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(bare))
        .map_or(bare, |(_, meant)| meant);
    SHORT_NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(resolved))
        .map_or_else(|| short_name(bare), |(known, _)| known)
}

/// The dotted object identifier for a short name, an alias, or an identifier.
pub(crate) fn dotted(name: &str) -> Option<&str> {
    let canonical = canonical_name(name);
    let known = SHORT_NAMES
        .iter()
        .find(|(short, _)| *short == canonical)
        .map(|(_, oid)| *oid);
    known.or_else(|| {
        canonical
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some(canonical)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_both_ways() {
        assert_eq!(short_name("2.5.4.3"), "CN");
        assert_eq!(short_name("1.2.3.4"), "1.2.3.4");
        assert_eq!(canonical_name("cn"), "CN");
        assert_eq!(canonical_name("Email"), "emailAddress");
        assert_eq!(canonical_name("OID.2.5.4.10"), "O");
        assert_eq!(dotted("E"), Some("1.2.840.113549.1.9.1"));
        assert_eq!(dotted("nonsense"), None);
    }
}

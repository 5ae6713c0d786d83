//! Signing policies: which subjects a CA of the trust directory may sign.
//!
//! A CA is trusted for its own namespace only. The rules stand in `*.signing_policy` files beside
//! the CA certificates. A CA without any rule may sign everything; a rule that cannot be read to
//! its end allows nothing, because a damaged file must not widen what a CA may do.

use std::collections::HashMap;

use super::dn::comparable;

/// The rules of all files, by CA.
#[derive(Debug, Default)]
pub(crate) struct SigningPolicies {
    by_authority: HashMap<String, Vec<String>>,
}

impl SigningPolicies {
    /// Adds the rules of one file. Several rules for one CA add up.
    ///
    /// An `access_id_CA` line opens a rule; `cond_subjects` counts once `pos_rights` has granted
    /// `CA:sign`.
    pub(crate) fn add(&mut self, text: &str) {
        let (mut authority, mut may_sign) = (None, false);
        for line in text.lines() {
            let Some((keyword, rest)) = line.trim().split_once(char::is_whitespace) else {
                continue;
            };
            match keyword {
                "access_id_CA" => {
                    may_sign = false;
                    let name = comparable(unquote(second_word(rest)));
                    self.by_authority.entry(name.clone()).or_default();
                    authority = Some(name);
                }
                "pos_rights" => may_sign = second_word(rest) == "CA:sign",
                "neg_rights" => may_sign = false,
                "cond_subjects" if may_sign => {
                    if let Some(known) = authority
                        .as_ref()
                        .and_then(|it| self.by_authority.get_mut(it))
                    {
                        known.extend(subjects(second_word(rest)));
                    }
                }
                _ => {}
            }
        }
    }

    /// True when the CA may sign that subject (both in slash form).
    pub(crate) fn allows(&self, authority: &str, subject: &str) -> bool {
        let subject = comparable(subject);
        match self.by_authority.get(&comparable(authority)) {
            None => true,
            Some(globs) => globs
                .iter()
                .any(|it| matches_glob(it.as_bytes(), subject.as_bytes())),
        }
    }
}

/// What follows the first word: `globus '"..."'` gives `'"..."'`.
fn second_word(text: &str) -> &str {
    let split = text.trim().split_once(char::is_whitespace);
    split.map_or("", |(_, rest)| rest.trim())
}

/// The text between the first quote of either kind and its twin; without quotes the first word.
fn unquote(text: &str) -> &str {
    match text.chars().next() {
        Some(quote @ ('\'' | '"')) => text[1..].split(quote).next().unwrap_or(""),
        _ => text.split_whitespace().next().unwrap_or(""),
    }
}

/// The globs of a `cond_subjects` value: quoted ones inside single quotes, or one bare.
fn subjects(value: &str) -> Vec<String> {
    let Some(inside) = value.strip_prefix('\'') else {
        return vec![comparable(unquote(value))];
    };
    let Some((inside, _)) = inside.split_once('\'') else {
        return Vec::new(); // never closed: the line was cut off
    };
    if !inside.contains('"') {
        return inside.split_whitespace().map(comparable).collect();
    }
    let pieces: Vec<&str> = inside.split('"').collect();
    // Between pairs of quotes stand the odd pieces; an even count means one quote is open.
    if pieces.len().is_multiple_of(2) {
        return Vec::new();
    }
    pieces
        .iter()
        .skip(1)
        .step_by(2)
        .map(|it| comparable(it))
        .collect()
}

/// `*` stands for any run of bytes, `?` for one. Only the last star is retried.
fn matches_glob(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match (glob.get(g), retry) {
            (Some(b'*'), _) => {
                retry = Some((g, t));
                g += 1;
            }
            (Some(byte), _) if *byte == b'?' || *byte == text[t] => (g, t) = (g + 1, t + 1),
            (_, Some((star, from))) => {
                retry = Some((star, from + 1));
                (g, t) = (star + 1, from + 1);
            }
            (_, None) => return false,
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies(text: &str) -> SigningPolicies {
        let mut policies = SigningPolicies::default();
        policies.add(text);
        policies
    }

    #[test]
    fn honours_the_globs_of_the_matching_authority() {
        let policies = policies(
            "# a comment\n access_id_CA   X509    '/C=XX/CN=CA'\n pos_rights globus CA:sign\n \
             cond_subjects globus '\"/C=XX/*\" \"/DC=org/DC=x/*\"'\n",
        );
        assert!(policies.allows("/C=XX/CN=CA", "/C=XX/CN=a"));
        assert!(policies.allows("/C=XX/CN=CA", "/DC=org/DC=x/CN=a"));
        assert!(!policies.allows("/C=XX/CN=CA", "/C=YY/CN=a"));
        assert!(policies.allows("/C=YY/CN=other", "/C=YY/CN=a"));
    }

    #[test]
    fn a_damaged_rule_allows_nothing() {
        for tail in [
            "",
            "pos_rights globus CA:sign\n",
            "pos_rights globus CA:sign\ncond_subjects globus '\"/O=a/*",
            "cond_subjects globus '\"*\"'\n",
        ] {
            let policies = policies(&format!("access_id_CA X509 '/CN=A'\n{tail}"));
            assert!(!policies.allows("/CN=A", "/O=a/CN=1"), "{tail:?}");
        }
    }

    #[test]
    fn globs() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("*a*b*", "xxaxxbxx", true),
            ("", "a", false),
        ] {
            assert_eq!(
                matches_glob(glob.as_bytes(), text.as_bytes()),
                expected,
                "{glob} {text}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_files_never_panic(text: String) {
            policies(&format!("access_id_CA X509 '/CN=A'\npos_rights globus CA:sign\ncond_subjects globus {text}"));
            policies(&text);
        }
    }
}

//! What a token says. Whether that is to be believed is not known here.

use causeway_model::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{TokenError, jws};

/// Longest text that is taken from a token as a name.
const MAX_NAME: usize = 255;
/// Most groups that are looked at.
const MAX_GROUPS: usize = 200;

/// The claims this service looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who made it.
    pub issuer: String,
    /// Whose it is.
    pub subject: Option<String>,
    /// For whom.
    pub audiences: Vec<String>,
    /// Until when, in seconds of the epoch.
    pub expires: Option<i64>,
    /// From when.
    pub not_before: Option<i64>,
    /// When it was made.
    pub issued: Option<i64>,
    /// What it allows, as it stands there.
    pub scope: Option<String>,
    /// Groups of the subject, as the issuer writes them.
    pub groups: Vec<String>,
    /// It follows the WLCG profile.
    pub wlcg: bool,
}

#[derive(Deserialize)]
struct Raw {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    scope: Option<Value>,
    #[serde(rename = "wlcg.ver")]
    wlcg_ver: Option<Value>,
    #[serde(rename = "wlcg.groups")]
    wlcg_groups: Option<Value>,
}

/// Reads the claims of a token without looking at its signature.
///
/// # Errors
/// What cannot be read.
pub fn unverified(token: &str) -> Result<Claims, TokenError> {
    let (_, payload) = jws::parts(token)?;
    Claims::read(&payload)
}

impl Claims {
    pub(super) fn read(payload: &[u8]) -> Result<Self, TokenError> {
        // A claim that stands twice is an error of the parser.
        let raw: Raw = serde_json::from_slice(payload).map_err(|_| TokenError::Malformed)?;
        let issuer = raw.iss.filter(|it| is_name(it));
        Ok(Self {
            issuer: issuer.ok_or(TokenError::Claim("iss"))?,
            subject: raw.sub,
            audiences: texts(raw.aud, "aud")?,
            expires: time(raw.exp, "exp")?,
            not_before: time(raw.nbf, "nbf")?,
            issued: time(raw.iat, "iat")?,
            scope: scope(raw.scope)?,
            groups: groups(raw.wlcg_groups)?,
            wlcg: raw.wlcg_ver.is_some_and(|it| !it.is_null()),
        })
    }

    /// The name of the subject.
    ///
    /// # Errors
    /// There is none, or it looks like the DN of a certificate: nobody may pass for its holder.
    pub(super) fn name(&self) -> Result<&str, TokenError> {
        let name = self.subject.as_deref().filter(|it| is_name(it));
        let name = name.filter(|it| !it.starts_with('/'));
        name.ok_or(TokenError::Claim("sub"))
    }

    /// Checks the time, with some seconds of tolerance.
    ///
    /// # Errors
    /// Too early, too late, or no end at all.
    pub(super) fn check_time(&self, now: Timestamp, leeway: i64) -> Result<(), TokenError> {
        let now = now.seconds();
        let end = self.expires.ok_or(TokenError::Claim("exp"))?;
        if now.saturating_sub(leeway) >= end {
            return Err(TokenError::Expired);
        }
        let begins = [self.not_before, self.issued].into_iter().flatten().max();
        match begins {
            Some(begin) if now.saturating_add(leeway) < begin => Err(TokenError::TooEarly),
            _ => Ok(()),
        }
    }

    /// What it allows, one by one.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.as_deref().unwrap_or("").split_ascii_whitespace()
    }
}

/// Short, and nothing in it that would deceive whoever reads it in a log.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

fn time(value: Option<Value>, claim: &'static str) -> Result<Option<i64>, TokenError> {
    let seconds = |it: &Value| match (it.as_i64(), it.as_f64()) {
        (Some(whole), _) => Some(whole),
        // Some issuers write fractions. The bound keeps the sums far from overflow.
        (None, Some(real)) if real.abs() < 1e15 => Some(real.floor() as i64),
        _ => None,
    };
    match value.filter(|it| !it.is_null()) {
        None => Ok(None),
        Some(value) => match seconds(&value).filter(|it| it.abs() < 1_000_000_000_000_000) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(TokenError::Claim(claim)),
        },
    }
}

/// One text or a list of them.
fn texts(value: Option<Value>, claim: &'static str) -> Result<Vec<String>, TokenError> {
    let text = |it: Value| match it {
        Value::String(text) => Ok(text),
        _ => Err(TokenError::Claim(claim)),
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(all)) => all.into_iter().map(text).collect(),
        Some(one) => Ok(vec![text(one)?]),
    }
}

/// A text with blanks; some issuers send a list.
fn scope(value: Option<Value>) -> Result<Option<String>, TokenError> {
    let is_absent = value.as_ref().is_none_or(Value::is_null);
    let text = texts(value, "scope")?.join(" ");
    if text.chars().any(char::is_control) {
        return Err(TokenError::Claim("scope"));
    }
    Ok((!is_absent).then_some(text))
}

fn groups(value: Option<Value>) -> Result<Vec<String>, TokenError> {
    let groups = texts(value, "wlcg.groups")?;
    let good = |it: &String| is_name(it) && it.starts_with('/') && it.len() > 1;
    if groups.len() > MAX_GROUPS || !groups.iter().all(good) {
        return Err(TokenError::Claim("wlcg.groups"));
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Result<Claims, TokenError> {
        Claims::read(payload.as_bytes())
    }

    #[test]
    fn a_token_of_the_wlcg_profile() {
        let claims = read(
            r#"{"wlcg.ver":"1.0","iss":"https://i/","sub":"s","aud":["a","b"],"exp":10.5,"nbf":1,
                "iat":1,"scope":"fts storage.read:/","wlcg.groups":["/wlcg","/wlcg/xfers"]}"#,
        )
        .unwrap();
        assert_eq!((claims.expires, claims.not_before), (Some(10), Some(1)));
        assert_eq!(claims.audiences, ["a", "b"]);
        assert_eq!(
            claims.scopes().collect::<Vec<_>>(),
            ["fts", "storage.read:/"]
        );
        assert_eq!(claims.groups, ["/wlcg", "/wlcg/xfers"]);
        assert!(claims.wlcg);
        assert_eq!(claims.name(), Ok("s"));
    }

    #[test]
    fn malformed_claims_are_named() {
        let claim = |payload: &str| match read(payload) {
            Err(TokenError::Claim(name)) => name,
            other => panic!("{payload}: {other:?}"),
        };
        assert_eq!(claim("{}"), "iss");
        assert_eq!(claim(r#"{"iss":""}"#), "iss");
        assert_eq!(claim(r#"{"iss":"a\u0000"}"#), "iss");
        for (name, value) in [
            ("exp", "\"1\""),
            ("nbf", "true"),
            ("iat", "1e300"),
            ("aud", "1"),
            ("aud", "[1]"),
            ("scope", "{}"),
            ("scope", "\"a\\nb\""),
            ("wlcg.groups", "[\"x\"]"),
            ("wlcg.groups", "[\"/x\\u0007\"]"),
        ] {
            let payload = format!(r#"{{"iss":"i","{name}":{value}}}"#);
            assert_eq!(claim(&payload), name, "{payload}");
        }
        assert_eq!(read(r#"{"iss":"a","iss":"b"}"#), Err(TokenError::Malformed));
        assert_eq!(read("[]"), Err(TokenError::Malformed));
        assert_eq!(read("{"), Err(TokenError::Malformed));
    }

    #[test]
    fn nobody_passes_for_the_holder_of_a_certificate() {
        for sub in ["null", "\"\"", "\"/DC=ch/CN=me\"", "\"a\\u0000\""] {
            let claims = read(&format!(r#"{{"iss":"i","sub":{sub}}}"#)).unwrap();
            assert_eq!(claims.name(), Err(TokenError::Claim("sub")), "{sub}");
        }
    }

    #[test]
    fn time_with_tolerance() {
        let claims = |times: &str| read(&format!(r#"{{"iss":"i",{times}}}"#)).unwrap();
        let at = |claims: &Claims, second| claims.check_time(Timestamp::from_seconds(second), 5);
        let it = claims(r#""exp":100,"nbf":50"#);
        assert_eq!(at(&it, 44), Err(TokenError::TooEarly));
        assert_eq!(at(&it, 45), Ok(()));
        assert_eq!(at(&it, 104), Ok(()));
        assert_eq!(at(&it, 105), Err(TokenError::Expired));
        assert_eq!(
            at(&claims(r#""exp":100,"iat":50"#), 44),
            Err(TokenError::TooEarly)
        );
        assert_eq!(
            at(&claims(r#""nbf":50"#), 60),
            Err(TokenError::Claim("exp"))
        );
    }
}

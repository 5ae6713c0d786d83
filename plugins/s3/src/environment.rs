//! What the usual environment variables say: keys, region and endpoint. Read once.

use std::sync::Arc;

use causeway_sdk::Result;
use object_store::aws::AwsCredential;
use url::Url;

use crate::config::invalid;
use crate::signer::credential;

/// What the environment says.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(crate) keys: Option<Arc<AwsCredential>>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<Url>,
}

impl Environment {
    /// Reads variables by `get`; an empty one counts as none. Those with keys are not looked at
    /// unless they may be used.
    pub(crate) fn read(with_keys: bool, get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| get(name).filter(|it| !it.is_empty());
        let key = |name: &str| with_keys.then(|| set(name)).flatten();
        let keys = match (key("AWS_ACCESS_KEY_ID"), key("AWS_SECRET_ACCESS_KEY")) {
            (Some(access), Some(secret)) => Some(credential(
                &access,
                &secret,
                set("AWS_SESSION_TOKEN").as_deref(),
            )?),
            _ => None,
        };
        let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| Some((name, set(name)?)))
            .map(|(name, text)| endpoint(name, &text))
            .transpose()?;
        Ok(Self {
            keys,
            region: set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")),
            endpoint,
        })
    }
}

/// Understands an endpoint: scheme, host and perhaps a port.
pub(crate) fn endpoint(name: &str, text: &str) -> Result<Url> {
    let read = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    read.ok_or_else(|| {
        invalid(
            name,
            "it must be http:// or https:// with a host and nothing more",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names_are_read() {
        let read = |with_keys| {
            Environment::read(with_keys, |name| {
                Some(match name {
                    "AWS_ACCESS_KEY_ID" => "a".into(),
                    "AWS_SECRET_ACCESS_KEY" => "canary".into(),
                    "AWS_DEFAULT_REGION" => "r".into(),
                    "AWS_ENDPOINT_URL" => "http://h:1".into(),
                    _ => String::new(),
                })
            })
        };
        let it = read(true).unwrap();
        assert!(!format!("{it:?}").contains("canary"));
        assert_eq!(it.keys.unwrap().key_id, "a");
        assert_eq!(it.region.as_deref(), Some("r"));
        assert_eq!(it.endpoint.unwrap().as_str(), "http://h:1/");
        let it = read(false).unwrap();
        assert!(it.keys.is_none() && it.endpoint.is_some());
        let none = Environment::read(true, |_| None).unwrap();
        assert!(none.keys.is_none() && none.endpoint.is_none());
    }

    #[test]
    fn an_endpoint_is_no_more_than_a_host() {
        for text in ["h", "ftp://h", "http://h/p", "http://u:p@h", "http://h?x"] {
            assert!(endpoint("endpoint", text).is_err(), "{text}");
        }
    }
}

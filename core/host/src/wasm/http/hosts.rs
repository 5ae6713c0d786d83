//! Hosts as grants name them.

/// `example.org`, `*.example.org:8443`, `example.org:*`; with `http://` in front also unencrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    name: Name,
    port: Port,
    plain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Any,
    Below(String),
    Exactly(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Usual,
    Any,
    Number(u16),
}

const PLAIN_PREFIX: &str = "http://";
const SECURE_PREFIX: &str = "https://";

impl Host {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let plain = text.strip_prefix(PLAIN_PREFIX);
        let rest = plain
            .or_else(|| text.strip_prefix(SECURE_PREFIX))
            .unwrap_or(&text);
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => (rest, ""),
        };
        let port = match port {
            "" => Port::Usual,
            "*" => Port::Any,
            number => Port::Number(number.parse().ok()?),
        };
        let name = match name {
            "*" => Name::Any,
            name => match name.strip_prefix("*.") {
                Some(rest) => Name::Below(word(rest)?),
                None => Name::Exactly(word(name)?),
            },
        };
        Some(Self {
            name,
            port,
            plain: plain.is_some(),
        })
    }

    /// True for exactly this name.
    pub(super) fn is(&self, host: &str) -> bool {
        matches!(&self.name, Name::Exactly(name) if name == host)
    }

    pub(super) fn admits(&self, host: &str, port: u16, encrypted: bool) -> bool {
        let host = host.to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        let named = match &self.name {
            Name::Any => true,
            Name::Below(rest) => host
                .strip_suffix(rest.as_str())
                .is_some_and(|it| it.ends_with('.')),
            Name::Exactly(name) => host == name,
        };
        let usual = if encrypted { 443 } else { 80 };
        let through = match self.port {
            Port::Usual => port == usual,
            Port::Any => true,
            Port::Number(number) => port == number,
        };
        named && through && (encrypted || self.plain)
    }
}

fn word(text: &str) -> Option<String> {
    let fits = |it: char| it.is_ascii_alphanumeric() || "-._[]:".contains(it);
    (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
}

//! Reading the configuration: file, then environment, then the check for unknown keys.

use std::path::Path;

use toml::{Table, Value};

use super::Config;

/// Prefix of overriding variables: `CAUSEWAY__SERVER__LISTEN=...`.
const ENV_PREFIX: &str = "CAUSEWAY__";

/// Tables whose keys are the operator's: plugin options, role names.
const FREE: [&str; 2] = ["plugins", "auth.roles"];

/// Why a configuration cannot be used. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML, or a value has the wrong type.
    #[error("read the configuration: {0}")]
    Parse(String),
    /// A key that does not exist.
    #[error("unknown configuration key `{key}`{hint}")]
    Unknown {
        /// The key.
        key: String,
        /// The nearest known one.
        hint: String,
    },
}

impl Config {
    /// Reads a file (none: defaults only) and applies the environment.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, an unknown key, a value of the wrong type.
    pub fn load(
        path: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.display().to_string(),
                source,
            })?,
            None => String::new(),
        };
        Self::parse(&text, env)
    }

    /// The same from a text.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(
        text: &str,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table: Table = text.parse().map_err(|source| parse_error(&source))?;
        for (name, value) in env {
            if let Some(key) = name.strip_prefix(ENV_PREFIX) {
                set(&mut table, &key.to_ascii_lowercase(), &value);
            }
        }
        let known = Value::try_from(Self::default())
            .map_err(|source| ConfigError::Parse(source.to_string()))?;
        if let Value::Table(known) = known {
            refuse_unknown(&table, &known, "")?;
        }
        table.try_into().map_err(|source| parse_error(&source))
    }
}

fn parse_error(source: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Parse(source.to_string().trim().to_owned())
}

/// Sets `a__b__c` to a value: TOML when it reads as TOML, else a string.
fn set(table: &mut Table, key: &str, value: &str) {
    let parsed = format!("v = {value}")
        .parse::<Table>()
        .ok()
        .and_then(|mut it| it.remove("v"));
    let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
    let mut parts: Vec<&str> = key.split("__").collect();
    let last = parts.pop().unwrap_or(key);
    let mut at = table;
    for part in parts {
        let next = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
        if !next.is_table() {
            *next = Value::Table(Table::new());
        }
        match next {
            Value::Table(inner) => at = inner,
            _ => return,
        }
    }
    at.insert(last.to_owned(), value);
}

fn refuse_unknown(given: &Table, known: &Table, prefix: &str) -> Result<(), ConfigError> {
    for (key, value) in given {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match (known.get(key), value) {
            (Some(_), _) if FREE.contains(&path.as_str()) => {}
            (Some(Value::Table(inner)), Value::Table(value)) => {
                refuse_unknown(value, inner, &path)?
            }
            (Some(_), _) => {}
            (None, _) if OPTIONAL.contains(&path.as_str()) => {}
            (None, _) => {
                return Err(ConfigError::Unknown {
                    hint: hint(key, known, prefix),
                    key: path,
                });
            }
        }
    }
    Ok(())
}

/// Keys whose default is "not set", which TOML cannot write.
const OPTIONAL: [&str; 4] = [
    "auth.vo_map",
    "engine.log_dir",
    "engine.random_seed",
    "engine.resume_dir",
];

fn hint(key: &str, known: &Table, prefix: &str) -> String {
    let optional = OPTIONAL
        .iter()
        .filter_map(|path| path.strip_prefix(prefix)?.strip_prefix('.'));
    let nearest = known
        .keys()
        .map(String::as_str)
        .chain(optional)
        .max_by(|a, b| strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b)));
    match nearest {
        Some(nearest) if prefix.is_empty() => format!("; did you mean `{nearest}`?"),
        Some(nearest) => format!("; did you mean `{prefix}.{nearest}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(
            text,
            env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn empty_means_defaults() {
        assert_eq!(parse("", &[]).unwrap(), Config::default());
    }

    #[test]
    fn the_annotated_reference_loads() {
        let text = include_str!("../../../../examples/config/causeway.toml");
        let config = parse(text, &[]).unwrap();
        assert_eq!(config.server.listen, "[::]:8446");
        assert!(config.plugins.options.contains_key("file"));
    }

    #[test]
    fn environment_overrides_the_file() {
        let env = [
            ("CAUSEWAY__SERVER__LISTEN", "127.0.0.1:0"),
            ("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"),
            ("CAUSEWAY__PLUGINS__FILE__ROOTS", "[\"/data\"]"),
            ("PATH", "/bin"),
        ];
        let config = parse("[server]\nlisten = \"[::]:1\"", &env).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:0");
        assert_eq!(config.engine.retry_delay_seconds, 1);
        assert_eq!(
            config.plugins.options["file"]["roots"][0].as_str(),
            Some("/data")
        );
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        let error = parse("[server]\nlisen = \"x\"", &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`server.lisen`") && error.contains("`server.listen`"),
            "{error}"
        );
        let error = parse("[serve]\n", &[]).unwrap_err().to_string();
        assert!(error.contains("`server`"), "{error}");
    }

    #[test]
    fn wrong_types_are_named() {
        let error = parse("[server]\nmax_connections = \"many\"", &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("max_connections"), "{error}");
    }
}

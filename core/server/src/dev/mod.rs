//! `serve --dev`: everything a newcomer would otherwise have to set up.
//!
//! In the state directory it makes, once: a PKI with a host and a user, two demo storages, and
//! `env.sh` for clients. What exists is kept; the user's proxy is made anew when it has run out.

mod pki;
pub mod storage;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::bundled;
use crate::config::Config;
pub use pki::DevPki;

/// The state directory of a development gateway.
#[derive(Debug)]
pub struct Dev {
    /// Its absolute path.
    pub dir: PathBuf,
    /// Certificates.
    pub pki: DevPki,
}

impl Dev {
    /// Makes what is missing.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn prepare(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)
            .with_context(|| format!("make the state directory {}", dir.display()))?;
        let dir = dir.canonicalize().context("find the state directory")?;
        for name in ["data/out", "data/in", "data/web", "db", "log"] {
            std::fs::create_dir_all(dir.join(name))
                .with_context(|| format!("make {name} in {}", dir.display()))?;
        }
        let hello = dir.join("data/out/hello");
        if !hello.exists() {
            std::fs::write(&hello, "hello, causeway\n").context("write the demo file")?;
        }
        let pki = DevPki::prepare(&dir.join("pki"))?;
        Ok(Self { dir, pki })
    }

    /// Fills in what the configuration leaves at its defaults.
    pub fn configure(&self, config: &mut Config) {
        let defaults = Config::default();
        let fill = |value: &mut PathBuf, default: &PathBuf, path: PathBuf| {
            if value == default {
                *value = path;
            }
        };
        fill(
            &mut config.tls.cert,
            &defaults.tls.cert,
            self.pki.path("hostcert.pem"),
        );
        fill(
            &mut config.tls.key,
            &defaults.tls.key,
            self.pki.path("hostkey.pem"),
        );
        fill(
            &mut config.tls.ca_dir,
            &defaults.tls.ca_dir,
            self.pki.path("certificates"),
        );
        if config.store.url == defaults.store.url {
            config.store.url = format!("embedded:{}", self.dir.join("db").display());
        }
        if config.server.listen == defaults.server.listen {
            config.server.listen = "127.0.0.1:8446".into();
        }
        config
            .engine
            .log_dir
            .get_or_insert_with(|| self.dir.join("log/transfers"));
        config
            .engine
            .resume_dir
            .get_or_insert_with(|| self.dir.join("resume"));
        config.auth.root_dns.push(self.pki.user_dn.clone());
        bundled::serve_directory(&mut config.plugins, &self.dir.join("data"));
        bundled::trust_authorities(&mut config.plugins, &config.tls.ca_dir);
    }

    /// Writes `env.sh`.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn write_env(&self, endpoint: &str, demo_storage: &str) -> anyhow::Result<()> {
        let pki = |name| self.pki.path(name).display().to_string();
        let lines = [
            ("CAUSEWAY_ENDPOINT", endpoint.to_owned()),
            ("FTS_ENDPOINT", endpoint.to_owned()),
            ("X509_USER_PROXY", pki("userproxy.pem")),
            ("X509_CERT_DIR", pki("certificates")),
            ("CURL_CA_BUNDLE", pki("ca.pem")),
            ("CAUSEWAY_DEMO_STORAGE", demo_storage.to_owned()),
        ];
        let mut text = String::from("# Written by `causeway serve --dev` at every start.\n");
        for (name, value) in lines {
            text.push_str(&format!(
                "export {name}='{}'\n",
                value.replace('\'', r"'\''")
            ));
        }
        std::fs::write(self.dir.join("env.sh"), text).context("write env.sh")
    }

    /// The port the demo storage had the last time, so that queued transfers still find it.
    pub fn remembered_port(&self) -> u16 {
        let text = std::fs::read_to_string(self.dir.join("data/web.port")).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Remembers the port of the demo storage.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn remember_port(&self, port: u16) -> anyhow::Result<()> {
        std::fs::write(self.dir.join("data/web.port"), format!("{port}\n"))
            .context("remember the demo storage's port")
    }
}

/// Where clients find the demo storage.
pub fn demo_storage_url(port: u16) -> String {
    format!("https://localhost:{port}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_start_keeps_everything() {
        let temp = tempfile::tempdir().unwrap();
        let first = Dev::prepare(temp.path()).unwrap();
        let read =
            |name: &str| std::fs::read_to_string(temp.path().join("pki").join(name)).unwrap();
        let before: Vec<String> = ["ca.pem", "hostcert.pem", "usercert.pem", "userproxy.pem"]
            .map(read)
            .into();
        let second = Dev::prepare(temp.path()).unwrap();
        let after: Vec<String> = ["ca.pem", "hostcert.pem", "usercert.pem", "userproxy.pem"]
            .map(read)
            .into();
        assert_eq!(before, after);
        assert_eq!(first.pki.user_dn, second.pki.user_dn);
        for key in ["cakey.pem", "hostkey.pem", "userkey.pem", "userproxy.pem"] {
            let mode = std::fs::metadata(temp.path().join("pki").join(key))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn the_operators_options_win() {
        let temp = tempfile::tempdir().unwrap();
        let dev = Dev::prepare(temp.path()).unwrap();
        let text = "[server]\nlisten = \"127.0.0.1:1\"\n[plugins.file]\nroots = [\"/x\"]";
        let mut config = Config::parse(text, std::iter::empty()).unwrap();
        dev.configure(&mut config);
        assert_eq!(config.server.listen, "127.0.0.1:1");
        assert_eq!(
            config.plugins.options["file"]["roots"][0].as_str(),
            Some("/x")
        );
        assert!(
            config.plugins.options["http"]["ca_dir"]
                .as_str()
                .unwrap()
                .ends_with("certificates")
        );
    }
}

//! The certificates of a development gateway.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use causeway_identity::issue::{
    Authority, Credential, IssuingKey, ProxyOptions, write_trust_directory,
};
use causeway_identity::pki::{chain_to_pem, parse_chain_pem};
use causeway_model::Timestamp;
use causeway_sdk::Secret;

const CA_DN: &str = "/DC=org/DC=causeway/CN=Causeway Development CA";
const HOST_DN: &str = "/DC=org/DC=causeway/CN=localhost";
const USER_DN: &str = "/DC=org/DC=causeway/CN=Dev User";
const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;
/// A proxy with less life than this is made anew at the start.
const PROXY_RENEW_BELOW: u64 = 2 * 3600;

/// A directory with a CA, a host, a user and the user's proxy.
#[derive(Debug)]
pub struct DevPki {
    dir: PathBuf,
    /// DN of the development user.
    pub user_dn: String,
}

impl DevPki {
    /// Makes what is missing.
    ///
    /// # Errors
    /// The directory cannot be written, or holds something that is no PKI.
    pub fn prepare(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir.join("certificates")).context("make the PKI's directory")?;
        let pki = Self {
            dir: dir.to_owned(),
            user_dn: USER_DN.to_owned(),
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("read the clock")?
            .as_secs();
        let authority = pki.authority(now).context("make the development CA")?;
        pki.person("host", now, || {
            authority.host(HOST_DN, &["localhost", "127.0.0.1", "::1"], now, YEAR)
        })?;
        let user = pki.person("user", now, || authority.user(USER_DN, now, YEAR))?;
        pki.proxy(&user, now)
            .context("make the development user's proxy")?;
        Ok(pki)
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The development user's proxy, and when it ends.
    ///
    /// # Errors
    /// The file is gone or damaged.
    pub fn user_proxy(&self) -> anyhow::Result<(Secret, Timestamp)> {
        let text = std::fs::read_to_string(self.path("userproxy.pem"))
            .context("read the development user's proxy")?;
        let proxy = Credential::from_pem(text.as_bytes(), text.as_bytes())?;
        let ends = Timestamp::from_seconds(i64::try_from(not_after(&proxy))?);
        Ok((Secret::new(text), ends))
    }

    fn authority(&self, now: u64) -> anyhow::Result<Authority> {
        let (cert, key) = (self.path("ca.pem"), self.path("cakey.pem"));
        if cert.exists() && key.exists() {
            let chain = parse_chain_pem(&std::fs::read(&cert)?)?;
            let key = IssuingKey::from_pem(&std::fs::read(&key)?)?;
            let certificate = chain
                .into_iter()
                .next()
                .context("ca.pem holds no certificate")?;
            return Ok(Authority::from_parts(certificate, key));
        }
        let authority = Authority::new(CA_DN, now, 10 * YEAR)?;
        write_private(&key, authority.key().to_pem().expose())?;
        std::fs::write(
            &cert,
            chain_to_pem(std::slice::from_ref(authority.certificate())),
        )?;
        write_trust_directory(&self.path("certificates"), &authority)?;
        Ok(authority)
    }

    fn person<E>(
        &self,
        who: &str,
        now: u64,
        make: impl FnOnce() -> Result<Credential, E>,
    ) -> anyhow::Result<Credential>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let (cert, key) = (
            self.path(&format!("{who}cert.pem")),
            self.path(&format!("{who}key.pem")),
        );
        if cert.exists() && key.exists() {
            let old = Credential::from_pem(&std::fs::read(&cert)?, &std::fs::read(&key)?)
                .with_context(|| format!("read {}", cert.display()))?;
            if not_after(&old) > now + DAY {
                return Ok(old);
            }
        }
        let credential = make().with_context(|| format!("make the {who} certificate"))?;
        write_private(&key, credential.key_pem().expose())?;
        std::fs::write(&cert, credential.chain_pem())?;
        Ok(credential)
    }

    fn proxy(&self, user: &Credential, now: u64) -> anyhow::Result<()> {
        let path = self.path("userproxy.pem");
        if let Ok(text) = std::fs::read(&path) {
            let old = Credential::from_pem(&text, &text);
            if old.is_ok_and(|old| not_after(&old) > now + PROXY_RENEW_BELOW) {
                return Ok(());
            }
        }
        let proxy = user.proxy(ProxyOptions::lasting(DAY), now)?;
        write_private(&path, proxy.to_pem().expose())
    }
}

/// End of the leaf, seconds since 1970; 0 when it cannot be read, so that it is made anew.
fn not_after(credential: &Credential) -> u64 {
    credential.not_after().unwrap_or(0)
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .with_context(|| format!("write {}", part.display()))?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&part, path).with_context(|| format!("write {}", path.display()))
}

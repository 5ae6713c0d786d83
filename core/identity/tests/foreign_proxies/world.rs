//! Authorities and people made by `openssl`, and proxies made by the programs people use; all of it
//! new for each test, in a directory that goes with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway_identity::anchors::TrustDirectory;
use causeway_identity::pki::parse_chain_pem;
use causeway_identity::verify::{ChainError, ExpiredCrl, VerifiedChain, Verifier};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::tools::run;

pub(super) const USER: &str = "/DC=ch/DC=grid/OU=Users/CN=Grid User";
pub(super) const DAY: u64 = 86_400;

/// A root without a section of extensions, and a list without any, are of version 1.
const SETTINGS: &str = "
[req]
distinguished_name = nothing
[nothing]
[root_v3]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[person]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid, issuer
[ca]
default_ca = revoking
[revoking]
database = index.txt
default_md = sha256
default_crl_days = 30
";

/// What a root looks like.
#[derive(Clone, Copy)]
pub(super) enum Version {
    One,
    Three,
}

/// A directory with `NAME.pem` and, for authorities and people, `NAME.key`.
pub(super) struct World {
    dir: tempfile::TempDir,
}

impl World {
    /// The authority `ca`, which the grid programs trust, and the person `user`.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Self { dir };
        world.write("openssl.cnf", SETTINGS);
        world.write("index.txt", "");
        // The VOMS programs want to stir their random numbers with it and say so when it is missing.
        world.write(".rnd", &"seed".repeat(256));
        world.root("ca", "sha256", Version::Three);
        world.person("user", USER, "ca", "rsa:2048", "sha256");
        let hash = world.openssl("x509 -noout -subject_hash -in ca.pem", &[]);
        // Where the programs look when nobody tells them.
        let trusted = world.path(".globus/certificates");
        std::fs::create_dir_all(&trusted).unwrap();
        let name = format!("{}.0", hash.trim());
        std::fs::copy(world.path("ca.pem"), trusted.join(name)).unwrap();
        world
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    /// Runs `openssl` with these words, then with arguments that may hold blanks.
    pub(super) fn openssl(&self, words: &str, more: &[&str]) -> String {
        let arguments: Vec<&str> = words
            .split_whitespace()
            .chain(more.iter().copied())
            .collect();
        run(self.dir.path(), "openssl", &arguments)
    }

    /// A self-signed root.
    pub(super) fn root(&self, name: &str, digest: &str, version: Version) {
        let kind = match version {
            Version::Three => "-x509 -extensions root_v3",
            // Newer programs have to be asked for it.
            Version::One if self.openssl("req -help", &[]).contains("-x509v1") => "-x509v1",
            Version::One => "-x509",
        };
        let words = format!(
            "req -new {kind} -config openssl.cnf -newkey rsa:2048 -nodes -{digest} -days 365 \
             -keyout {name}.key -out {name}.pem"
        );
        self.openssl(
            &words,
            &["-subj", &format!("/DC=ch/DC=grid/CN=Authority {name}")],
        );
    }

    /// A person of an authority; `key` as in `openssl req -newkey`, with its options.
    pub(super) fn person(&self, name: &str, dn: &str, authority: &str, key: &str, digest: &str) {
        let request = format!(
            "req -new -config openssl.cnf -newkey {key} -nodes -keyout {name}.key -out {name}.csr"
        );
        self.openssl(&request, &["-subj", dn]);
        let sign = format!(
            "x509 -req -{digest} -days 200 -extfile openssl.cnf -extensions person -CAcreateserial \
             -CA {authority}.pem -CAkey {authority}.key -in {name}.csr -out {name}.pem"
        );
        self.openssl(&sign, &[]);
    }

    /// Has `grid-proxy-init` or a relative of it make `name` from a person or from another proxy.
    pub(super) fn proxy(&self, program: &str, name: &str, parent: &str, options: &str) {
        let key = match self.path(&format!("{parent}.key")).exists() {
            true => format!("{parent}.key"),
            false => format!("{parent}.pem"),
        };
        let words = format!("-q -cert {parent}.pem -key {key} -out {name}.pem {options}");
        let arguments: Vec<&str> = words.split_whitespace().collect();
        run(self.dir.path(), program, &arguments);
    }

    /// The certificates of a file.
    pub(super) fn chain(&self, name: &str) -> Vec<CertificateDer<'static>> {
        let text = std::fs::read(self.path(&format!("{name}.pem"))).unwrap();
        parse_chain_pem(&text).unwrap()
    }

    /// Verifies a chain now, trusting `ca`.
    pub(super) fn verify(&self, name: &str) -> Result<VerifiedChain, ChainError> {
        self.verify_with(name, &[("ca.pem", "ca.pem")], ExpiredCrl::Reject, now())
    }

    /// Verifies a chain, trusting these files under other names.
    pub(super) fn verify_with(
        &self,
        name: &str,
        trusted: &[(&str, &str)],
        expired: ExpiredCrl,
        now: u64,
    ) -> Result<VerifiedChain, ChainError> {
        let trust = tempfile::tempdir().unwrap();
        for (from, to) in trusted {
            std::fs::copy(self.path(from), trust.path().join(to)).unwrap();
        }
        let directory = TrustDirectory::open(trust.path()).unwrap();
        assert_eq!(directory.snapshot().skipped_count(), 0);
        let verifier = Verifier::new(Arc::new(directory)).with_expired_crl(expired);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        verifier.verify(&self.chain(name), now)
    }
}

/// Seconds since 1970: the programs stamp what they make with the real time.
pub(super) fn now() -> u64 {
    UnixTime::now().as_secs()
}

//! One chain, what we must say to it, and what OpenSSL must say.

use std::path::Path;

use causeway_identity::issue::{Authority, Credential, write_trust_directory};
use causeway_identity::pki::chain_to_pem;
use rustls_pki_types::CertificateDer;

use crate::support::{NOW, at, verifier, world};
use crate::tools;

/// What OpenSSL is expected to say.
pub(super) enum OpenSsl {
    /// The same as we.
    Agrees,
    /// The opposite, for this reason.
    Differs(&'static str),
}
use OpenSsl::{Agrees, Differs};

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) now: u64,
    pub(super) trust: tempfile::TempDir,
    /// OpenSSL wants a list of every CA as soon as it looks at any.
    pub(super) checks_crls: bool,
    pub(super) good: bool,
    pub(super) openssl: OpenSsl,
}

pub(super) fn case(name: &'static str, chain: &Credential, good: bool) -> Case {
    Case {
        name,
        chain: chain.chain().to_vec(),
        now: NOW,
        trust: directory(&[&world().ca]),
        checks_crls: false,
        good,
        openssl: Agrees,
    }
}

impl Case {
    pub(super) fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }

    pub(super) fn trusting(self, authorities: &[&Authority]) -> Self {
        Self {
            trust: directory(authorities),
            ..self
        }
    }

    pub(super) fn with_crl(self, crl: &[u8]) -> Self {
        let hash = authority_hash(&world().ca, self.trust.path());
        std::fs::write(self.trust.path().join(format!("{hash}.r0")), pem_crl(crl)).unwrap();
        Self {
            checks_crls: true,
            ..self
        }
    }

    pub(super) fn differs(self, reason: &'static str) -> Self {
        Self {
            openssl: Differs(reason),
            ..self
        }
    }
}

pub(super) fn directory(authorities: &[&Authority]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for authority in authorities {
        write_trust_directory(directory.path(), authority).unwrap();
    }
    directory
}

pub(super) fn pem_crl(der: &[u8]) -> String {
    // The chain writer frames certificates; only the label differs for a list.
    chain_to_pem(&[CertificateDer::from(der)]).replace("CERTIFICATE", "X509 CRL")
}

pub(super) fn run(arguments: &[&str]) -> (bool, String) {
    tools::try_run(&std::env::temp_dir(), "openssl", arguments)
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are plain text")
}

pub(super) fn authority_hash(authority: &Authority, scratch: &Path) -> String {
    let file = scratch.join("hash-me");
    std::fs::write(&file, chain_to_pem(&[authority.certificate().clone()])).unwrap();
    let (_, hash) = run(&["x509", "-noout", "-subject_hash", "-in", text(&file)]);
    std::fs::remove_file(&file).unwrap();
    hash.trim().to_owned()
}

pub(super) fn openssl_accepts(case: &Case) -> (bool, String) {
    let scratch = tempfile::tempdir().unwrap();
    let leaf = scratch.path().join("leaf.pem");
    let rest = scratch.path().join("rest.pem");
    std::fs::write(&leaf, chain_to_pem(&case.chain[..1])).unwrap();
    std::fs::write(&rest, chain_to_pem(&case.chain[1..])).unwrap();
    let time = case.now.to_string();
    let mut arguments = vec![
        "verify",
        "-allow_proxy_certs",
        "-purpose",
        "sslclient",
        "-attime",
        &time,
    ];
    arguments.extend([
        "-no-CAfile",
        "-no-CAstore",
        "-CApath",
        text(case.trust.path()),
    ]);
    if case.checks_crls {
        arguments.push("-crl_check_all");
    }
    if case.chain.len() > 1 {
        arguments.extend(["-untrusted", text(&rest)]);
    }
    arguments.push(text(&leaf));
    run(&arguments)
}

pub(super) fn check(case: &Case) -> Result<(), String> {
    let ours = verifier(case.trust.path()).verify(&case.chain, at(case.now));
    let our_text = ours
        .as_ref()
        .map_or_else(ToString::to_string, |chain| chain.user_dn().to_owned());
    let (theirs, their_text) = openssl_accepts(case);
    let expected = match case.openssl {
        Agrees => case.good,
        Differs(_) => !case.good,
    };
    if ours.is_ok() == case.good && theirs == expected {
        return Ok(());
    }
    let reason = match case.openssl {
        Agrees => "agreement",
        Differs(reason) => reason,
    };
    Err(format!(
        "{}: expected {} and {reason}; we said {our_text:?}, openssl said {}",
        case.name,
        if case.good { "good" } else { "bad" },
        their_text.replace('\n', " / ")
    ))
}

pub(super) fn check_all(cases: Vec<Case>) {
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

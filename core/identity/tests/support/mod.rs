//! A small certificate world for the tests: authorities, people, proxies, trust directories.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_identity::anchors::TrustDirectory;
use causeway_identity::issue::{
    Authority, Credential, DAY, IssuingKey, ProxyOptions, write_trust_directory,
};
use causeway_identity::verify::{ExpiredCrl, Verifier};
use rustls_pki_types::UnixTime;

/// When the tests take place: a whole second, far from any edge.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const HOUR: u64 = 3600;
pub(crate) const CA_DN: &str = "/DC=ch/DC=test/CN=Test CA";
pub(crate) const USER_DN: &str = "/DC=ch/DC=test/OU=Users/CN=Test User";

/// One authority and one person, made once for each test program: keys are slow to make.
pub(crate) struct World {
    pub(crate) ca: Authority,
    pub(crate) user: Credential,
    pub(crate) other: Credential,
    /// A spare key for certificates that a test makes itself.
    pub(crate) spare: IssuingKey,
}

pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let ca = Authority::new(CA_DN, NOW - 100 * DAY, 1000 * DAY).unwrap();
        let user = ca.user(USER_DN, NOW - 10 * DAY, 300 * DAY).unwrap();
        let other = ca
            .user(
                "/DC=ch/DC=test/OU=Users/CN=Somebody Else",
                NOW - 10 * DAY,
                300 * DAY,
            )
            .unwrap();
        World {
            ca,
            user,
            other,
            spare: IssuingKey::generate_rsa(2048).unwrap(),
        }
    })
}

impl World {
    /// A proxy of a credential on the spare key, its fields changed before it is signed.
    pub(crate) fn proxy_with(
        &self,
        parent: &Credential,
        change: impl FnOnce(&mut causeway_identity::issue::CertificateFields),
    ) -> Credential {
        let mut fields = parent
            .proxy_fields(
                self.spare.public_key(),
                ProxyOptions::lasting(12 * HOUR),
                NOW,
            )
            .unwrap();
        change(&mut fields);
        parent.proxy_from(&fields, self.spare.clone()).unwrap()
    }

    /// A good proxy of the person.
    pub(crate) fn proxy(&self) -> Credential {
        self.proxy_with(&self.user, |_| {})
    }
}

/// A trust directory with these authorities.
pub(crate) fn trust_directory(authorities: &[&Authority]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for authority in authorities {
        write_trust_directory(directory.path(), authority).unwrap();
    }
    directory
}

pub(crate) fn verifier(directory: &Path) -> Verifier {
    Verifier::new(Arc::new(TrustDirectory::open(directory).unwrap()))
        .with_expired_crl(ExpiredCrl::Reject)
}

pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

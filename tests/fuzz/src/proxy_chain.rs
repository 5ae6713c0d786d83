//! Presented certificate chains: no bytes make anybody else of a caller.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_identity::issue::{Authority, DAY, ProxyOptions, write_trust_directory};
use causeway_identity::{TrustDirectory, Verifier, pki};
use rustls::pki_types::{CertificateDer, UnixTime};

const NOW: u64 = 1_800_000_000;
const USER: &str = "/DC=ch/CN=User";

/// A good chain, and a trust directory with nothing but its authority.
struct World {
    verifier: Verifier,
    chain: Vec<CertificateDer<'static>>,
}

/// Made once for each process; keys are random, so a crash is reproduced by its kind of edit and
/// not by its very bytes.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let trust = tempfile::tempdir().expect("a temporary directory");
        let ca = Authority::new("/DC=ch/CN=CA", NOW - DAY, 30 * DAY).expect("an authority");
        write_trust_directory(trust.path(), &ca).expect("a trust directory");
        let user = ca.user(USER, NOW - DAY, 20 * DAY).expect("a person");
        let proxy = user
            .proxy(ProxyOptions::lasting(DAY), NOW)
            .expect("a proxy");
        let trusted = TrustDirectory::open(trust.path()).expect("a readable trust directory");
        World {
            verifier: Verifier::new(Arc::new(trusted)),
            chain: proxy.chain().to_vec(),
        }
    })
}

/// Input: a PEM text; or edits of a good chain, three bytes each.
pub fn run(data: &[u8]) -> bool {
    let is_good = verify(data);
    verify(pki::chain_to_pem(&edited(data)).as_bytes()) || is_good
}

/// A good chain in PEM, to begin with.
pub fn seed() -> Vec<u8> {
    pki::chain_to_pem(&world().chain).into_bytes()
}

fn verify(pem: &[u8]) -> bool {
    let Ok(chain) = pki::parse_chain_pem(pem) else {
        return false;
    };
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let verified = world().verifier.verify(&chain, now);
    if let Ok(verified) = &verified {
        assert_eq!(verified.user_dn(), USER);
    }
    verified.is_ok()
}

/// Each edit: a position, counted through all certificates, and what is put there.
fn edited(data: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut chain: Vec<Vec<u8>> = world().chain.iter().map(|it| it.to_vec()).collect();
    for edit in data.chunks_exact(3) {
        let mut at = usize::from(u16::from_be_bytes([edit[0], edit[1]]));
        at %= chain.iter().map(Vec::len).sum::<usize>();
        for certificate in &mut chain {
            if at < certificate.len() {
                certificate[at] = edit[2];
                break;
            }
            at -= certificate.len();
        }
    }
    chain.into_iter().map(CertificateDer::from).collect()
}

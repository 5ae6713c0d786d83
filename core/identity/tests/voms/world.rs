//! A VO with its server, a vomsdir that describes it, and proxies that carry what the server says.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use causeway_identity::issue::{AttributeFields, Credential, DAY, Extension};
use causeway_identity::pki;
use causeway_identity::verify::{VerifiedChain, Verifier};
use causeway_identity::voms::{Attributes, VomsDirectory, VomsVerifier};

use crate::support::{CA_DN, HOUR, NOW, World, at, trust_directory, verifier, world};

pub(crate) const VO: &str = "testvo";
pub(crate) const HOST: &str = "voms.example.org";
pub(crate) const SERVER: &str = "voms.example.org:15000";
pub(crate) const SERVER_DN: &str = "/DC=ch/DC=test/OU=Hosts/CN=voms.example.org";
pub(crate) const FQANS: [&str; 2] = [
    "/testvo/Role=NULL/Capability=NULL",
    "/testvo/prod/Role=production/Capability=NULL",
];

/// The VO's server, made once for each test program.
pub(crate) fn server() -> &'static Credential {
    static SERVER: OnceLock<Credential> = OnceLock::new();
    SERVER.get_or_init(|| {
        let ca = &world().ca;
        ca.host(SERVER_DN, &[HOST], NOW - 10 * DAY, 300 * DAY)
            .unwrap()
    })
}

/// What the server says about the person, to be changed or signed as it is.
pub(crate) fn fields() -> AttributeFields {
    let holder = &world().user.chain()[0];
    server()
        .attributes(holder, VO, SERVER, &FQANS, NOW - 60..NOW + 12 * HOUR)
        .unwrap()
}

/// The same, signed by the server.
pub(crate) fn signed(change: impl FnOnce(&mut AttributeFields)) -> Vec<u8> {
    let mut fields = fields();
    change(&mut fields);
    fields.sign(server().key()).unwrap()
}

/// A proxy of the person that carries an extension.
pub(crate) fn proxy_with(extension: Extension) -> Credential {
    let world: &World = world();
    world.proxy_with(&world.user, |fields| fields.extensions.push(extension))
}

/// A proxy of the person that carries one attribute certificate.
pub(crate) fn proxy(attributes: Vec<u8>) -> Credential {
    proxy_with(Extension::vo_attributes(&[attributes]))
}

/// A CA directory and a vomsdir.
pub(crate) struct Site {
    trust: tempfile::TempDir,
    vomsdir: tempfile::TempDir,
}

impl Site {
    /// One that describes the server.
    pub(crate) fn new() -> Self {
        let site = Self::empty();
        site.describe(VO, HOST, &format!("{SERVER_DN}\n{CA_DN}\n"));
        site
    }

    /// One where nobody speaks for any VO.
    pub(crate) fn empty() -> Self {
        Self {
            trust: trust_directory(&[&world().ca]),
            vomsdir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn trust(&self) -> &Path {
        self.trust.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.vomsdir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a `.lsc` file.
    pub(crate) fn describe(&self, vo: &str, host: &str, text: &str) {
        self.write(&format!("{vo}/{host}.lsc"), text);
    }

    /// Puts a certificate into the vomsdir.
    pub(crate) fn certificate(&self, name: &str, credential: &Credential) {
        self.write(name, &pki::chain_to_pem(credential.chain()));
    }

    pub(crate) fn verifier(&self) -> Verifier {
        verifier(self.trust.path())
    }

    pub(crate) fn voms(&self) -> VomsVerifier {
        let directory = VomsDirectory::open(self.vomsdir.path());
        VomsVerifier::new(Arc::new(directory), self.verifier())
            .with_hosts(vec!["fts.example.org".to_owned()])
    }

    pub(crate) fn chain(&self, credential: &Credential) -> VerifiedChain {
        self.verifier().verify(credential.chain(), at(NOW)).unwrap()
    }

    /// What is believed of a credential's attributes.
    pub(crate) fn read(&self, credential: &Credential) -> Attributes {
        self.voms().attributes(&self.chain(credential), at(NOW))
    }

    /// Why an attribute certificate in a proxy of the person is not believed.
    pub(crate) fn refusal(&self, attributes: Vec<u8>) -> String {
        refusal(&self.read(&proxy(attributes)))
    }
}

/// Why the only attribute certificate is not believed.
pub(crate) fn refusal(found: &Attributes) -> String {
    assert!(found.accepted.is_empty(), "{:?}", found.accepted);
    assert_eq!(found.refused.len(), 1, "{:?}", found.refused);
    found.refused[0].to_string()
}

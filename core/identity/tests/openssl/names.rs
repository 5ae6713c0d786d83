//! Names as text and as file names.

use causeway_identity::dn;
use causeway_identity::issue::{Authority, DAY, write_trust_directory};
use causeway_identity::pki::chain_to_pem;

use crate::case::{run, text};
use crate::chains::issued;
use crate::support::{NOW, USER_DN, world};

#[test]
fn file_name_hashes() {
    let scratch = tempfile::tempdir().unwrap();
    for name in [
        "/DC=ch/DC=test/CN=Test CA",
        "/C=CH/O=Some  Örg/OU= x /CN=CA 2",
        "/DC=org/CN=a/emailAddress=Ca@Example.ORG",
    ] {
        let authority = {
            let key = world().spare.clone();
            let mut fields = world()
                .ca
                .person_fields("/CN=x", key.public_key(), NOW, DAY)
                .unwrap();
            fields.subject = dn::encode(name).unwrap();
            fields.issuer = fields.subject.clone();
            Authority::from_parts(fields.sign(&key).unwrap(), key)
        };
        let directory = tempfile::tempdir().unwrap();
        write_trust_directory(directory.path(), &authority).unwrap();
        let file = scratch.path().join("ca.pem");
        std::fs::write(&file, chain_to_pem(&[authority.certificate().clone()])).unwrap();
        for option in ["-subject_hash", "-subject_hash_old"] {
            let (_, hash) = run(&["x509", "-noout", option, "-in", text(&file)]);
            let written = directory.path().join(format!("{}.0", hash.trim()));
            assert!(written.exists(), "{name}: {option} is {hash}");
        }
    }
}

#[test]
fn names_are_rendered_alike() {
    let scratch = tempfile::tempdir().unwrap();
    for name in [
        USER_DN,
        "/C=CH/O=Zoë & Co/CN=a/b",
        "/DC=org/UID=u1/CN=x/emailAddress=a@b.ch",
        "/O=x/title=Dr/SN=y/GN=z/street=s 1",
    ] {
        let user = issued(world(), |fields| fields.subject = dn::encode(name).unwrap());
        let file = scratch.path().join("user.pem");
        std::fs::write(&file, user.chain_pem()).unwrap();
        let (_, theirs) = run(&[
            "x509",
            "-noout",
            "-subject",
            "-nameopt",
            "compat",
            "-in",
            text(&file),
        ]);
        // The program escapes slashes since version 3; the library function old servers used did not.
        let theirs = theirs.trim_end().replace("\\/", "/");
        let ours = causeway_identity::pki::subject_dn(&user.chain()[0]).unwrap();
        assert_eq!(format!("subject={ours}"), theirs);
    }
}

//! Names for credentials. Clients compute them too: they must come out the same to the
//! byte. The ids of jobs, VOs and destinations are `causeway_model::ids`, those of tokens
//! `causeway_model::oauth`.

use sha1::{Digest, Sha1};

/// The delegation id of a certificate holder: names the credential they leave with us.
pub fn delegation_id(user_dn: &str, fqans: &[String]) -> String {
    first_sixteen(std::iter::once(user_dn).chain(fqans.iter().map(String::as_str)))
}

/// The delegation id of a token holder.
pub fn token_delegation_id(issuer: &str, subject: &str) -> String {
    first_sixteen([issuer, subject])
}

/// SHA-1 over the texts one after the other. It makes a name, it protects nothing.
fn first_sixteen<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha1::new();
    for text in texts {
        digest.update(text.as_bytes());
    }
    hex::encode(&digest.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delegation_ids_match_the_published_vectors() {
        let fqans = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let manzi = "/DC=org/DC=terena/DC=tcs/C=NL/O=Stichting EGI/CN=Andrea Manzi";
        assert_eq!(
            delegation_id(manzi, &fqans(&["/dteam/Role=NULL/Capability=NULL"])),
            "9ab8068853808c6b"
        );
        let user = "/DC=ch/DC=cern/CN=Test User";
        assert_eq!(delegation_id(user, &[]), "92fbce05ea766c17");
        let three = fqans(&[
            "/testvo/Role=NULL/Capability=NULL",
            "/testvo/Role=myrole/Capability=NULL",
            "/testvo/Role=lcgadmin/Capability=NULL",
        ]);
        assert_eq!(delegation_id(user, &three), "3df3433182cc378b");
    }

    #[test]
    fn token_holders_match_the_published_vector() {
        assert_eq!(
            token_delegation_id("https://issuer.example/", "sub-1"),
            "63013b845a2f75ca"
        );
    }
}

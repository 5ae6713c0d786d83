//! Sessions, kept by server and account, so that calls one after the other share them.
//!
//! # Invariants
//! - Two accounts never share a session, nor do two ways of securing it.
//! - There are never more than `max_connections` sessions of one server and account; whoever finds
//!   them all in use waits a while and is then told that the storage is busy.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::trust::Trust;
use causeway_sdk::{Algorithm, Credential, Error, ErrorKind, Host, Result, Url as Surl};
use parking_lot::Mutex;

use crate::Config;
use crate::account::{Account, Accounts};
use crate::connect::Door;
use crate::endpoint::{Endpoint, Lease};
use crate::place::{Place, Security};

/// What a server that has too many connections gets, before it is called busy.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1500),
];

/// All sessions.
pub(crate) struct Pool {
    config: Arc<Config>,
    trust: Trust,
    accounts: Accounts,
    endpoints: Mutex<HashMap<Key, Arc<Endpoint>>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    host: String,
    port: u16,
    security: Security,
    account: String,
}

impl Pool {
    pub(crate) fn new(config: Arc<Config>, host: &Host) -> Result<Self> {
        Ok(Self {
            trust: Trust::new(config.trust()).with_host(host),
            accounts: Accounts::load(&config)?,
            config,
            endpoints: Mutex::new(HashMap::new()),
        })
    }

    /// Whose sessions a call uses, without saying who it is.
    pub(crate) fn owner(&self, at: &Surl, credential: &Credential) -> Result<String> {
        let place = Place::of(at, &self.config)?;
        Ok(self.accounts.find(&place.host, credential)?.mark)
    }

    /// Server and user of a call, without saying who that is and without anything of the password.
    pub(crate) fn door(&self, at: &Surl, credential: &Credential) -> Result<String> {
        let place = Place::of(at, &self.config)?;
        let account = self.accounts.find(&place.host, credential)?;
        let mut hasher = Algorithm::Sha256.hasher();
        hasher.update(account.user.expose().as_bytes());
        let user = hasher.finish().hex;
        Ok(format!("{}:{} {user}", place.host, place.port))
    }

    /// A session for a URL, and the path there.
    pub(crate) async fn enter(
        &self,
        at: &Surl,
        credential: &Credential,
    ) -> Result<(Lease, String)> {
        let place = Place::of(at, &self.config)?;
        let account = self.accounts.find(&place.host, credential)?;
        let lease = self.lease(&place, &account).await?;
        let path = lease.path(&place.path);
        Ok((lease, path))
    }

    async fn lease(&self, place: &Place, account: &Account) -> Result<Lease> {
        let security = place.security(&self.config, account);
        let endpoint = self.endpoint(place, security, account);
        let limit = self.config.limits().connect;
        let permit = match tokio::time::timeout(limit, endpoint.place()).await {
            Ok(permit) => permit,
            Err(_) => {
                let limit = self.config.max_connections;
                let text = format!("use {}: all {limit} connections are in use", place.host);
                return Err(Error::new(ErrorKind::Busy, text));
            }
        };
        let mut pauses = PAUSES.iter();
        loop {
            if let Some(session) = endpoint.alive().await {
                return Ok(endpoint.lend(session, permit));
            }
            let door = Door {
                config: &self.config,
                trust: &self.trust,
                place,
                security,
                account,
                features: endpoint.features(),
            };
            match door.open().await {
                Ok(session) => {
                    endpoint.learn(&session.features);
                    return Ok(endpoint.lend(session, permit));
                }
                Err(error) if error.kind() == ErrorKind::Busy => match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
    }

    fn endpoint(&self, place: &Place, security: Security, account: &Account) -> Arc<Endpoint> {
        let key = Key {
            host: place.host.clone(),
            port: place.port,
            security,
            account: account.mark.clone(),
        };
        let mut endpoints = self.endpoints.lock();
        if let Some(known) = endpoints.get(&key) {
            return known.clone();
        }
        if endpoints.len() >= self.config.max_endpoints {
            make_room(&mut endpoints);
        }
        let made = Endpoint::new(self.config.max_connections, self.config.idle_timeout());
        endpoints.insert(key, made.clone());
        made
    }
}

/// Forgets those that nobody uses, or else the one that happens to come first: who uses it keeps
/// it, and only the count of its sessions begins anew.
fn make_room(endpoints: &mut HashMap<Key, Arc<Endpoint>>) {
    let before = endpoints.len();
    endpoints.retain(|_, it| Arc::strong_count(it) > 1);
    if endpoints.len() == before
        && let Some(key) = endpoints.keys().next().cloned()
    {
        endpoints.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(options: &str) -> Pool {
        Pool::new(Arc::new(Config::parse(options).unwrap()), &Host::silent()).unwrap()
    }

    fn endpoint(pool: &Pool, surl: &str, credential: &Credential) -> Arc<Endpoint> {
        let place = Place::of(&surl.parse().unwrap(), &pool.config).unwrap();
        let account = pool.accounts.find(&place.host, credential).unwrap();
        pool.endpoint(&place, place.security(&pool.config, &account), &account)
    }

    fn keys(secret: &str) -> Credential {
        Credential::Keys {
            access: "a".into(),
            secret: causeway_sdk::Secret::new(secret),
            token: None,
            region: None,
        }
    }

    #[test]
    fn one_endpoint_per_server_account_and_security() {
        let pool = pool("{}");
        let one = endpoint(&pool, "ftp://h/x", &keys("1"));
        assert!(Arc::ptr_eq(
            &one,
            &endpoint(&pool, "ftp://H:21/y", &keys("1"))
        ));
        for (surl, credential) in [
            ("ftp://h/x", keys("2")),
            ("ftp://h/x", Credential::None),
            ("ftps://h:21/x", keys("1")),
            ("ftp://h:2121/x", keys("1")),
            ("ftp://g/x", keys("1")),
        ] {
            assert!(
                !Arc::ptr_eq(&one, &endpoint(&pool, surl, &credential)),
                "{surl}"
            );
        }
    }

    #[test]
    fn the_table_of_endpoints_is_bounded() {
        let pool = pool(r#"{"max_endpoints":3}"#);
        let held = endpoint(&pool, "ftp://held/x", &Credential::None);
        for i in 0..10 {
            endpoint(&pool, &format!("ftp://h{i}/x"), &Credential::None);
        }
        assert!(pool.endpoints.lock().len() <= 3);
        assert!(Arc::ptr_eq(
            &held,
            &endpoint(&pool, "ftp://held/y", &Credential::None)
        ));
    }
}

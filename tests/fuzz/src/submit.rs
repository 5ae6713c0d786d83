//! Bodies of submissions: rows or a refusal that names the client's mistake.

use std::sync::Arc;

use causeway_api::config::SubmitConfig;
use causeway_api::fts::submit::{Context, parse};
use causeway_api::{NoBans, NobodyKnown};
use causeway_model::{Principal, Timestamp};
use causeway_sdk::{
    Capabilities, Ctx, DynStorage, Erased, Error, Host, NoBody, Operation, Result, Stat, Storage,
    Storages, Url,
};

/// A storage that can read and write and admits every URL.
struct Willing;

impl Storage for Willing {
    type Read = NoBody;
    type Write = NoBody;

    fn create(_config: &str, _host: Host) -> Result<Self> {
        Ok(Self)
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: "willing".into(),
            operations: [Operation::Read, Operation::Write].into(),
            ..Capabilities::default()
        }
    }

    async fn stat(&self, _cx: &Ctx, _at: &Url) -> Result<Stat> {
        Err(Error::unsupported("stat"))
    }
}

/// Serves every scheme but one.
struct Most;

impl Storages for Most {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        match url.scheme() {
            "unserved" => Err(Error::unsupported("unserved").with_errno(93)),
            _ => Ok(Erased::shared(Willing)),
        }
    }
}

/// Input: the body as it came.
pub fn run(data: &[u8]) -> bool {
    let principal = Principal {
        user_dn: "/DC=ch/CN=User".to_owned(),
        vos: vec!["testvo".to_owned()],
        ..Principal::anonymous()
    };
    let config = SubmitConfig::default();
    let cx = Context {
        principal: &principal,
        storages: &Most,
        identity: &NobodyKnown,
        bans: &NoBans,
        config: &config,
        submit_host: "node",
        now: Timestamp::from_seconds(1_800_000_000),
    };
    match parse(data, cx) {
        Ok(submission) => {
            let rows = submission.len();
            assert!(rows > 0);
            let view = submission.into_view(1);
            assert_eq!((view.files.len() + view.deletions.len()) as u64, rows);
            assert_eq!(view.job.user_dn[..], principal.user_dn[..]);
            true
        }
        Err(error) => {
            assert!(error.status().is_client_error(), "{}", error.message());
            false
        }
    }
}

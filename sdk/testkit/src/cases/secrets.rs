//! A credential that fails must not show up in what is said about the failure.

use std::sync::{Arc, Mutex, PoisonError};

use causeway_sdk::{Algorithm, Credential, Ctx, Error, Operation, Page, ReadOptions, Secret, Url};

use super::cases;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, failed};

/// Looks like no word that could be masked by its form.
const CANARY: &str = "canary7Qx2secretVb9";

cases! {
    "secrets/bearer" [] bearer;
    "secrets/keys" [] keys;
    "secrets/user-and-query" [] user_and_query;
}

async fn bearer(probe: &Probe) -> Verdict {
    let credential = Credential::Bearer(Secret::new(CANARY));
    silent(probe, credential, &probe.missing()).await
}

async fn keys(probe: &Probe) -> Verdict {
    let credential = Credential::Keys {
        access: "access".to_owned(),
        secret: Secret::new(CANARY),
        token: Some(Secret::new(CANARY)),
        region: None,
    };
    silent(probe, credential, &probe.missing()).await
}

/// Secrets that came in the URL itself.
async fn user_and_query(probe: &Probe) -> Verdict {
    let at = probe.missing();
    let query = at.query().map_or(String::new(), |it| format!("{it}&"));
    let text = format!("{}?{query}signature={CANARY}", at.without_query().as_str());
    let Ok(at) = text.parse::<Url>() else {
        return failed("the URL with a signature does not parse");
    };
    silent(probe, Credential::None, &at).await
}

/// Makes calls fail and looks at every word that comes of it.
async fn silent(probe: &Probe, credential: Credential, at: &Url) -> Verdict {
    let lines = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&lines);
    let cx = probe
        .cx()
        .with_credential(credential)
        .with_log(move |_, line| {
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(line);
        });
    for error in failures(probe, &cx, at).await {
        let words = format!("{error} {error:?}");
        ensure!(
            !words.contains(CANARY),
            "an error shows a secret: {}",
            error.operation()
        );
        let json = serde_json::to_string(&error);
        let json = json.map_err(|source| Error::new(error.kind(), source.to_string()));
        let json = json.or_fail("write an error as JSON")?;
        ensure!(!json.contains(CANARY), "an error carries a secret as data");
    }
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(!lines.contains(CANARY), "the log shows a secret");
    Ok(())
}

async fn failures(probe: &Probe, cx: &Ctx, at: &Url) -> Vec<Error> {
    let storage = &probe.storage;
    let can = |operation| probe.can.can(operation);
    let mut results = Vec::new();
    if can(Operation::Stat) {
        results.push(storage.stat(cx, at).await.map(drop));
    }
    if can(Operation::List) {
        results.push(storage.list(cx, at, Page::default()).await.map(drop));
    }
    if can(Operation::Read) {
        results.push(
            match storage.open_read(cx, at, ReadOptions::default()).await {
                Ok(mut body) => body.next().await.map(drop),
                Err(error) => Err(error),
            },
        );
    }
    if can(Operation::Unlink) {
        results.push(storage.unlink(cx, at).await);
    }
    if can(Operation::Checksum) {
        results.push(storage.checksum(cx, at, Algorithm::Adler32).await.map(drop));
    }
    if can(Operation::Rename) {
        results.push(storage.rename(cx, at, &probe.fresh(), false).await);
    }
    results.extend([storage.admit(at)]);
    results.into_iter().filter_map(Result::err).collect()
}

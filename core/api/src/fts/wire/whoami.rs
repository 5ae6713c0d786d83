//! The caller as clients know themselves.

use causeway_model::ids::vo_id;
use causeway_model::{AuthMethod, BASE_ID};
use serde_json::{Value, json};

use crate::extract::Caller;

/// The object of `/whoami`. Nobody's `level` is an empty list and not an object.
pub fn whoami(caller: &Caller) -> Value {
    let token = caller.token.as_ref();
    let caller = &caller.principal;
    let level = match caller.method {
        AuthMethod::Unauthenticated => json!([]),
        _ => json!(caller.level),
    };
    let vos_id: Vec<String> = caller.vos.iter().map(|it| vo_id(it).to_string()).collect();
    let mut shape = json!({
        "method": caller.method,
        "user_dn": caller.user_dn,
        "dn": caller.dn,
        "base_id": BASE_ID.to_string(),
        "vos": caller.vos,
        "vos_id": vos_id,
        "voms_cred": caller.voms_cred,
        "roles": caller.roles,
        "level": level,
        "delegation_id": caller.delegation_id,
        "is_root": caller.is_root,
    });
    if let Some(token) = token {
        shape["oauth2_scope"] = json!(token.scope);
        shape["wlcg_profile"] = json!(token.wlcg_profile);
    }
    shape
}

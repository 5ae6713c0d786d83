//! The caller as clients know themselves.

use causeway_model::ids::vo_id;
use causeway_model::{AuthMethod, BASE_ID, Principal};
use serde_json::{Value, json};

/// The object of `/whoami`. Nobody's `level` is an empty list and not an object.
pub fn whoami(caller: &Principal) -> Value {
    let level = match caller.method {
        AuthMethod::Unauthenticated => json!([]),
        _ => json!(caller.level),
    };
    let vos_id: Vec<String> = caller.vos.iter().map(|it| vo_id(it).to_string()).collect();
    json!({
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
    })
}

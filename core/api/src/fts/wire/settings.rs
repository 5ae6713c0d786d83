//! Rows of settings as operators and their tools know them. A column that was never set is null.

use causeway_model::clouds::{CloudGrant, CloudStorage};
use causeway_model::settings::{
    ANY, ActivityShareRow, AuditRow, AuthorizationRow, LinkRow, Operation, OperationLimitRow,
    ShareRow, StorageBanRow, StorageRow, TpcSupport, UserBanRow, VoRow,
};
use serde_json::{Map, Value, json};

/// A banned storage.
pub fn storage_ban(row: &StorageBanRow) -> Value {
    json!({
        "se": row.se,
        "message": row.message,
        "addition_time": row.addition_time.to_string(),
        "admin_dn": row.admin_dn,
        "vo": row.vo,
        "status": row.status.name(),
    })
}

/// A banned user. There is one thing only that can be done to their work.
pub fn user_ban(row: &UserBanRow) -> Value {
    json!({
        "dn": row.dn,
        "message": row.message,
        "addition_time": row.addition_time.to_string(),
        "admin_dn": row.admin_dn,
        "status": "CANCEL",
    })
}

/// Who changed what.
pub fn audit(row: &AuditRow) -> Value {
    json!({
        "datetime": row.datetime.to_string(),
        "dn": row.dn,
        "action": row.action,
        "config": row.config,
    })
}

/// Defaults of a VO. In the general row a column that was never set shows what it then means.
pub fn vo(row: &VoRow) -> Value {
    let general = &*row.vo_name == ANY;
    let number = |value: Option<u64>| value.or(general.then_some(0));
    let flag = |value: Option<bool>| value.or(general.then_some(false));
    json!({
        "vo_name": row.vo_name,
        "retry": row.retry.or(general.then_some(0)),
        "max_time_queue": number(row.max_time_queue),
        "global_timeout": number(row.global_timeout),
        "sec_per_mb": number(row.sec_per_mb),
        "no_streaming": flag(row.no_streaming),
        "show_user_dn": flag(row.show_user_dn),
    })
}

/// A link.
pub fn link(row: &LinkRow) -> Value {
    json!({
        "symbolicname": row.symbolic_name,
        "source": row.source_se,
        "destination": row.dest_se,
        "min_active": row.min_active,
        "max_active": row.max_active,
        "optimizer_mode": row.optimizer_mode,
        "tcp_buffer_size": row.tcp_buffer_size,
        "nostreams": row.nostreams,
        "no_delegation": row.no_delegation,
    })
}

/// What is known about a storage, without its name.
pub fn storage(row: &StorageRow) -> Value {
    json!({
        "site": row.site,
        "se_metadata": row.metadata,
        "ipv6": row.ipv6,
        "udt": row.udt,
        "debug_level": row.debug_level,
        "inbound_max_active": row.inbound_max_active,
        "inbound_max_throughput": row.inbound_max_throughput,
        "outbound_max_active": row.outbound_max_active,
        "outbound_max_throughput": row.outbound_max_throughput,
        "eviction": row.eviction,
        "tpc_support": row.tpc_support.map(tpc_name),
        "skip_eviction": row.skip_eviction,
        "tape_endpoint": row.tape_endpoint,
        "overwrite_disk_enabled": row.overwrite_disk_enabled,
    })
}

fn tpc_name(support: TpcSupport) -> &'static str {
    match support {
        TpcSupport::Full => "FULL",
        TpcSupport::Pull => "PULL",
        TpcSupport::Push => "PUSH",
        TpcSupport::None => "NONE",
    }
}

/// Third-party copies by name, capitals or not.
pub fn tpc_support(name: &str) -> Option<TpcSupport> {
    use TpcSupport::{Full, None, Pull, Push};
    [Full, Pull, Push, None]
        .into_iter()
        .find(|it| tpc_name(*it).eq_ignore_ascii_case(name))
}

fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Delete => "delete",
        Operation::Staging => "staging",
    }
}

/// An operation by name.
pub fn operation(name: &str) -> Option<Operation> {
    [Operation::Delete, Operation::Staging]
        .into_iter()
        .find(|it| operation_name(*it) == name)
}

/// Limits of one storage: `{vo: {operation: limit}}`.
pub fn operations<'a>(rows: impl Iterator<Item = &'a OperationLimitRow>) -> Value {
    let mut by_vo = Map::new();
    for row in rows {
        let of_vo = by_vo.entry(&*row.vo_name).or_insert_with(|| json!({}));
        of_vo[operation_name(row.operation)] = json!(row.concurrent_ops);
    }
    Value::Object(by_vo)
}

/// Weight of a VO on a link.
pub fn share(row: &ShareRow) -> Value {
    json!({
        "source": row.source,
        "destination": row.destination,
        "vo": row.vo,
        "share": row.active,
    })
}

/// Weights of activities as a list, in the order in which they were given.
pub fn activity_row(row: &ActivityShareRow) -> Value {
    let one = |(name, weight): &(String, f64)| json!({name.as_str(): weight});
    json!({
        "vo": row.vo,
        "active": row.active,
        "activity_share": row.shares.iter().map(one).collect::<Vec<_>>(),
    })
}

/// Weights of activities by name.
pub fn activities(row: &ActivityShareRow) -> Value {
    let shares = row.shares.iter();
    let shares: Map<_, _> = shares.map(|(k, v)| (k.clone(), json!(v))).collect();
    json!({"share": shares, "active": row.active})
}

/// A right of a user.
pub fn authorization(row: &AuthorizationRow) -> Value {
    json!({"dn": row.dn, "operation": row.operation})
}

/// A provider, without its secret, and who may use it.
pub fn cloud(row: &CloudStorage, grants: &[CloudGrant]) -> Value {
    json!({
        "storage_name": row.name,
        "app_key": row.app_key,
        "service_api_url": row.service_api_url,
        "users": grants.iter().map(cloud_grant).collect::<Vec<_>>(),
    })
}

/// A grant. The token names its holder at the provider and is shown; its secret never is.
pub fn cloud_grant(row: &CloudGrant) -> Value {
    json!({
        "storage_name": row.storage,
        "user_dn": row.holder.user_dn(),
        "vo_name": row.holder.vo_name(),
        "access_token": row.access_token.expose(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_clouds_are_not_shown() {
        use causeway_model::clouds::CloudHolder;
        use causeway_sdk::Secret;
        let row = CloudStorage {
            app_secret: Secret::new("hush"),
            ..CloudStorage::new("S3:host")
        };
        let grant = CloudGrant {
            storage: row.name.clone(),
            holder: CloudHolder::Vo("atlas".into()),
            access_token: Secret::new("id"),
            access_token_secret: Secret::new("hush"),
        };
        let text = cloud(&row, &[grant]).to_string();
        assert!(text.contains("\"id\"") && !text.contains("hush"), "{text}");
    }

    #[test]
    fn names_round_trip() {
        for name in ["FULL", "PULL", "PUSH", "NONE"] {
            assert_eq!(tpc_support(name).map(tpc_name), Some(name));
        }
        assert_eq!(tpc_support("half"), None);
        for name in ["delete", "staging"] {
            assert_eq!(operation(name).map(operation_name), Some(name));
        }
        assert_eq!(operation("archive"), None);
    }

    #[test]
    fn only_the_general_row_shows_what_was_never_set() {
        assert_eq!(vo(&VoRow::new(ANY))["retry"], 0);
        assert_eq!(vo(&VoRow::new(ANY))["no_streaming"], false);
        assert_eq!(vo(&VoRow::new("atlas"))["retry"], Value::Null);
    }
}

//! Who decides, and that rows make the settings they came from.

use super::*;
use crate::Timestamp;

fn link(name: &str, source: &str, destination: &str, max: u32) -> Change {
    Change::PutLink(LinkRow {
        max_active: max,
        ..LinkRow::new(name, source, destination)
    })
}

fn share(source: &str, destination: &str, vo: &str, active: u32) -> Change {
    Change::PutShare(ShareRow {
        source: source.into(),
        destination: destination.into(),
        vo: vo.into(),
        active,
    })
}

fn ban(se: &str, vo: Option<&str>, status: BanStatus) -> Change {
    Change::BanStorage(StorageBanRow {
        se: se.into(),
        message: String::new(),
        addition_time: Timestamp(1),
        admin_dn: "/CN=admin".into(),
        vo: vo.map(Into::into),
        status,
        wait_timeout: 0,
    })
}

fn settings(changes: &[Change]) -> Settings {
    let mut settings = Settings::default();
    for change in changes {
        settings.apply(change);
    }
    settings
}

#[test]
fn links_by_precedence() {
    let max = |it: &Settings, a, b| it.link(a, b).unwrap().max_active;
    let mut it = settings(&[]);
    assert_eq!(max(&it, "a", "b"), 130);
    it.apply(&link("to-b", "*", "b", 3));
    assert_eq!(max(&it, "a", "b"), 3);
    it.apply(&link("from-a", "a", "*", 4));
    assert_eq!(max(&it, "a", "b"), 4);
    it.apply(&link("exact", "a", "b", 5));
    assert_eq!(max(&it, "a", "b"), 5);
    assert_eq!(max(&it, "x", "y"), 130);
    // What a row leaves open, the next one says.
    let mode = |row: &LinkRow| row.optimizer_mode;
    assert_eq!(it.link_value("a", "b", mode), Some(2));
    it.apply(&Change::DeleteLink("exact".into()));
    assert_eq!(max(&it, "a", "b"), 4);
}

#[test]
fn a_link_has_one_row_for_its_name_and_one_for_its_pair() {
    let mut it = settings(&[link("l", "a", "b", 3), link("l", "a", "c", 4)]);
    assert_eq!(it.link("a", "b").unwrap().max_active, 130);
    assert_eq!(it.link("a", "c").unwrap().max_active, 4);
    it.apply(&link("other", "a", "c", 5));
    assert!(it.link_named("l").is_none());
    assert_eq!(it.link("a", "c").unwrap().max_active, 5);
}

#[test]
fn what_stood_there_from_the_beginning_comes_back() {
    let mut it = settings(&[link("*", "*", "*", 7)]);
    assert_eq!(it.link("a", "b").unwrap().max_active, 7);
    it.apply(&Change::DeleteLink("*".into()));
    assert_eq!(it.link("a", "b").unwrap().max_active, 130);
    it.apply(&Change::DeleteStorage("*".into()));
    assert_eq!(it.inbound_limit("a"), 200);
    // A general link of another name takes the place of the first one, and gives it back.
    it.apply(&link("mine", "*", "*", 9));
    assert_eq!(it.link("a", "b").unwrap().max_active, 9);
    it.apply(&Change::DeleteLink("mine".into()));
    assert_eq!(it.link("a", "b").unwrap().max_active, 130);
    assert!(link("*", "a", "*", 3).check().is_err());
}

#[test]
fn storages_by_precedence() {
    let mut it = settings(&[Change::PutStorage(StorageRow {
        inbound_max_active: Some(0),
        outbound_max_throughput: Some(44.5),
        tpc_support: Some(TpcSupport::Pull),
        ..StorageRow::new("a")
    })]);
    assert_eq!((it.inbound_limit("a"), it.outbound_limit("a")), (0, 200));
    assert_eq!(it.outbound_throughput("a"), Some(44.5));
    assert_eq!(it.third_party("a", "b"), (true, false));
    assert_eq!(it.third_party("b", "c"), (true, true));
    it.apply(&Change::PutStorage(StorageRow::new("*")));
    assert_eq!(it.outbound_limit("a"), 60);
    assert_eq!(Settings::empty().inbound_limit("a"), 60);
}

#[test]
fn vos_by_precedence() {
    let it = settings(&[
        Change::PutVo(VoRow {
            retry: Some(3),
            max_time_queue: Some(48),
            ..VoRow::new("*")
        }),
        Change::PutVo(VoRow {
            retry: Some(1),
            ..VoRow::new("atlas")
        }),
    ]);
    assert_eq!(it.vo_value("atlas", |row| row.retry), Some(1));
    assert_eq!(it.vo_value("cms", |row| row.retry), Some(3));
    assert_eq!(it.vo_value("atlas", |row| row.max_time_queue), Some(48));
    assert_eq!(it.vo_value("atlas", |row| row.sec_per_mb), None);
}

#[test]
fn a_link_takes_its_shares_with_it() {
    let mut it = settings(&[
        link("l", "a", "b", 3),
        share("a", "b", "atlas", 80),
        share("a", "b", "public", 20),
        share("*", "*", "cms", 1),
    ]);
    assert_eq!(it.shares("a", "b").unwrap()["atlas"], 80);
    assert_eq!(it.shares("x", "y").unwrap()["cms"], 1);
    it.apply(&Change::DeleteLink("l".into()));
    assert_eq!(it.shares("a", "b").unwrap()["cms"], 1);
    it.apply(&Change::DeleteShare {
        source: "*".into(),
        destination: "*".into(),
        vo: "cms".into(),
    });
    assert!(it.shares("a", "b").is_none());
}

#[test]
fn a_ban_is_for_its_vo_and_replaces_the_one_before() {
    let mut it = settings(&[ban("a", Some("atlas"), BanStatus::Wait)]);
    assert!(it.storage_ban("a", "atlas").is_some());
    assert!(it.storage_ban("a", "cms").is_none());
    it.apply(&ban("a", None, BanStatus::Cancel));
    assert_eq!(
        it.storage_ban("a", "cms").unwrap().status,
        BanStatus::Cancel
    );
    it.apply(&Change::UnbanStorage("a".into()));
    assert!(it.storage_ban("a", "atlas").is_none());
}

#[test]
fn operation_limits_go_with_zero_and_with_their_storage() {
    let limit = |se: &str, ops| {
        Change::PutOperationLimit(OperationLimitRow {
            vo_name: "atlas".into(),
            host: se.into(),
            operation: Operation::Staging,
            concurrent_ops: ops,
        })
    };
    let mut it = settings(&[limit("a", 5), limit("b", 6)]);
    assert_eq!(
        it.operation_limit("atlas", "a", Operation::Staging),
        Some(5)
    );
    assert_eq!(it.operation_limit("atlas", "a", Operation::Delete), None);
    it.apply(&limit("a", 0));
    assert_eq!(it.operation_limit("atlas", "a", Operation::Staging), None);
    it.apply(&Change::DeleteStorage("b".into()));
    assert!(it.operation_limits().is_empty());
}

#[test]
fn rows_make_the_settings() {
    let original = settings(&[
        link("l", "a", "b", 3),
        link("m", "*", "b", 4),
        Change::PutStorage(StorageRow::new("a")),
        share("a", "b", "atlas", 80),
        Change::PutActivityShare(ActivityShareRow {
            vo: "atlas".into(),
            active: true,
            shares: vec![("Production".into(), 0.6)],
        }),
        Change::PutOperationLimit(OperationLimitRow {
            vo_name: "atlas".into(),
            host: "a".into(),
            operation: Operation::Delete,
            concurrent_ops: 22,
        }),
        Change::PutVo(VoRow::new("atlas")),
        ban("a", None, BanStatus::WaitAndSubmit),
        Change::BanUser(UserBanRow {
            dn: "/CN=x".into(),
            message: "m".into(),
            addition_time: Timestamp(2),
            admin_dn: "/CN=admin".into(),
        }),
        Change::PutHost(HostRow {
            hostname: "node1".into(),
            drain: true,
        }),
    ]);
    let mut again = Settings::empty();
    for change in original.rows() {
        assert_eq!(change.check(), Ok(()));
        again.apply(&change);
    }
    assert_eq!(again.tables, original.tables);
    assert!(again.is_drained("node1"));
}

//! How the engine of a world is set up: small limits, so that they are met, with or without an
//! optimizer, and with a short memory or a long one.

use causeway_engine::plan::PeerCopies;
use causeway_engine::{EngineConfig, OptimizerConfig};
use rand::Rng;
use rand::rngs::StdRng;

pub fn config(dice: &mut StdRng, seed: u64) -> EngineConfig {
    let some = |dice: &mut StdRng, few: u32| dice.random_range(1..=few);
    EngineConfig {
        retry: dice.random_range(0..3),
        workers: 1,
        max_active: dice.random_range(2..15),
        link_max_active: some(dice, 5),
        inbound_max_active: some(dice, 8),
        outbound_max_active: some(dice, 8),
        deletion_max_active: dice.random_range(1..4),
        random_seed: Some(seed),
        peer_copies: match dice.random_bool(0.6) {
            true => PeerCopies::Full,
            false => PeerCopies::None,
        },
        min_required_free_ram_bytes: 0,
        operation_timeout_seconds: 60,
        stall_timeout_seconds: 60,
        staging_bulk_size: dice.random_range(1..5),
        staging_concurrent_requests: dice.random_range(1..5),
        staging_poll_interval_seconds: dice.random_range(30..600),
        archive_poll_bulk_size: dice.random_range(1..4),
        archive_poll_interval_seconds: dice.random_range(30..600),
        allow_session_reuse: dice.random_bool(0.8),
        cancel_unused_multihop_files: dice.random_bool(0.5),
        breaker_failures: dice.random_range(0..6),
        max_time_queue_hours: if dice.random_bool(0.1) { 1 } else { 0 },
        optimizer: OptimizerConfig {
            enabled: dice.random_bool(0.5),
            interval_seconds: dice.random_range(5..120),
            ..OptimizerConfig::default()
        },
        clean_interval_days: dice.random_range(0..3),
        clean_bulk_size: dice.random_range(1..20),
        backup_tables: dice.random_bool(0.7),
        check_sanity_state_interval_seconds: dice.random_range(60..4000),
        ..EngineConfig::default()
    }
}

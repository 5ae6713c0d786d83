//! A good storage behind [`FaultStorage`], which breaks what it is told to.

use std::time::Duration;

use causeway_sdk::{Ctx, Error, ErrorKind, Operation};
use causeway_testkit::{FaultStorage, ReadFault};

use super::{expect_failures, memory, run};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_and_short_bodies() {
    let corrupt = FaultStorage::new(memory()).read_fault(ReadFault::Corrupt(0));
    expect_failures(&run(corrupt.shared()).await, &["read/whole", "write/sizes"]);
    let short = FaultStorage::new(memory()).read_fault(ReadFault::Truncate(70_000));
    expect_failures(&run(short.shared()).await, &["read/whole", "write/sizes"]);
    let error = Error::new(ErrorKind::Network, "lose the connection");
    let torn = FaultStorage::new(memory()).read_fault(ReadFault::Fail(100, error));
    expect_failures(&run(torn.shared()).await, &["read/whole"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wished_call_fails_and_no_other() {
    let error = Error::new(ErrorKind::Busy, "wait for a tape");
    let storage = FaultStorage::new(memory())
        .fail(Operation::Stat, 2, error)
        .read_fault(ReadFault::Delay(Duration::from_millis(1)))
        .shared();
    let (cx, at) = (Ctx::new("test"), "memory://test/".parse().unwrap());
    assert!(storage.stat(&cx, &at).await.is_ok());
    assert_eq!(
        storage.stat(&cx, &at).await.unwrap_err().kind(),
        ErrorKind::Busy
    );
    assert!(storage.exists(&cx, &at).await.unwrap());
}

//! Hands transactions to the store, one after the other, and says when each is durable.
//!
//! The dispatcher never waits for the store: while one transaction is written the next grows, so
//! the busier the engine the larger the groups.

use std::sync::Arc;
use std::time::Duration;

use causeway_model::observe::{Observation, Watched};
use causeway_model::ports::{JobStore, StoreError, Transaction};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::dispatcher::Notice;

/// Attempts at a transaction before the store is given up.
const TRIES: u32 = 6;

/// Writes until nobody hands over any more.
pub(crate) async fn keep(
    store: Arc<dyn JobStore>,
    mut transactions: mpsc::UnboundedReceiver<Transaction>,
    notices: mpsc::UnboundedSender<Notice>,
    watched: Watched,
) {
    while let Some(transaction) = transactions.recv().await {
        let (rows, began) = (transaction.rows(), Instant::now());
        let outcome = write(&*store, transaction).await;
        let took = began.elapsed();
        watched.observe(&Observation::Journalled { rows, took });
        if notices.send(Notice::Journalled(outcome)).is_err() {
            return;
        }
    }
}

async fn write(store: &dyn JobStore, transaction: Transaction) -> Result<(), StoreError> {
    let mut pause = Duration::from_millis(50);
    for _ in 1..TRIES {
        // Rows are shared pointers: the copy is cheap.
        match store.apply(transaction.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) => tracing::error!(%error, "failed to write a transaction, trying again"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    store.apply(transaction).await
}

//! Workers in this process: one, that runs every attempt as a task. For tests and for those who
//! trust their plugins with the service's memory.

use std::sync::Arc;

use causeway_model::ports::Clock;
use causeway_sdk::Storages;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::Crew;
use crate::messages::{Order, Report};
use crate::worker::Worker;

/// A worker without a process of its own.
pub struct Inside {
    storages: Arc<dyn Storages>,
    clock: Arc<dyn Clock>,
    orders: Mutex<Option<mpsc::UnboundedSender<Order>>>,
}

impl Inside {
    /// A worker that finds storages here.
    pub fn new(storages: Arc<dyn Storages>, clock: Arc<dyn Clock>) -> Self {
        Self {
            storages,
            clock,
            orders: Mutex::new(None),
        }
    }
}

impl Crew for Inside {
    fn report_to(&self, reports: mpsc::Sender<Report>) {
        let (orders, inbox) = mpsc::unbounded_channel();
        let worker = Worker::new(Arc::clone(&self.storages), Arc::clone(&self.clock), reports);
        tokio::spawn(worker.run(inbox));
        *self.orders.lock() = Some(orders);
    }

    fn order(&self, order: Order) {
        let gone = match &*self.orders.lock() {
            Some(orders) => orders.send(order).is_err(),
            None => true,
        };
        if gone {
            tracing::error!("worker is gone, order dropped");
        }
    }
}

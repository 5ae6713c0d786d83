//! [`Lease`]: a session that is out of the pool for a while.

use std::ops::{Deref, DerefMut};

use super::Pool;
use crate::Session;

/// A session on loan. Goes back when dropped, if it is idle.
#[derive(Debug)]
pub struct Lease {
    /// Always there until the drop.
    session: Option<Session>,
    key: String,
    pool: Pool,
}

impl Lease {
    pub(super) fn new(session: Session, key: String, pool: Pool) -> Self {
        Self {
            session: Some(session),
            key,
            pool,
        }
    }
}

const ON_LOAN: &str = "a lease holds its session until it is dropped";

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect(ON_LOAN)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect(ON_LOAN)
    }
}

impl std::borrow::Borrow<Session> for Lease {
    fn borrow(&self) -> &Session {
        self
    }
}

impl std::borrow::BorrowMut<Session> for Lease {
    fn borrow_mut(&mut self) -> &mut Session {
        self
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take()
            && session.is_idle()
        {
            self.pool.give_back(std::mem::take(&mut self.key), session);
        }
    }
}

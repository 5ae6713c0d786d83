//! Looking names up in company: whoever wants to know what stands somewhere puts the question into the queue
//! of its server. Questions that wait go out together, so many callers cost few round trips and few sessions.
//!
//! # Invariants
//! - A session that breaks under several questions answers none of them for the others: each is then asked
//!   alone, and hears its own failure.
//! - A queue has at most [`BATCHES`] batches under way, and none without a question.

use causeway_gridftp_wire::{Endpoint, Facts, Pool, Result};
use tokio::sync::oneshot;

use crate::queues::Queues;

/// Questions of one batch, at most.
const MOST: usize = 16;
/// Batches of one queue at a time, at most.
const BATCHES: usize = 4;

/// The queues of all servers, each by name of who asks.
#[derive(Clone)]
pub(crate) struct Looks {
    pool: Pool,
    queues: Queues<String, Question>,
}

struct Question {
    path: String,
    /// `None` tells to ask alone.
    tell: oneshot::Sender<Option<Result<Facts>>>,
}

impl Looks {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            queues: Queues::new(),
        }
    }

    /// What stands at a path.
    pub(crate) async fn stat(&self, at: &Endpoint, path: &str) -> Result<Facts> {
        let key = at.key();
        let (tell, told) = oneshot::channel();
        let (looks, path) = (self.clone(), path.to_owned());
        let question = Question {
            path: path.clone(),
            tell,
        };
        let is_short = |waiting, batches| batches < BATCHES && waiting > batches * MOST;
        if self.queues.put(&key, question, is_short) {
            let at = at.clone();
            tokio::spawn(async move { looks.serve(key, at).await });
        }
        match told.await {
            Ok(Some(answer)) => answer,
            // The batch broke, or its task went with the runtime it ran on.
            Ok(None) | Err(_) => self.pool.brief(at).await?.stat(&path).await,
        }
    }

    async fn serve(self, key: String, at: Endpoint) {
        loop {
            // Nobody waits for the answer of who gave up.
            let is_wanted = |it: &Question| !it.tell.is_closed();
            let questions = self
                .queues
                .take(&key, is_wanted, |waiting| waiting.min(MOST));
            if questions.is_empty() {
                return;
            }
            self.ask(&at, questions).await;
        }
    }

    async fn ask(&self, at: &Endpoint, questions: Vec<Question>) {
        let mut session = match self.pool.brief(at).await {
            Ok(session) => session,
            Err(why) => return answer(questions, || Some(Err(why.clone()))),
        };
        let paths: Vec<&str> = questions.iter().map(|it| it.path.as_str()).collect();
        let found = session.stat_each(&paths).await;
        // Back to the others before anybody hears.
        drop(session);
        let mut found = found.map(Vec::into_iter);
        answer(questions, || match &mut found {
            Ok(found) => found.next(),
            Err(_) => None,
        });
    }
}

/// Who gave up meanwhile hears nothing.
fn answer(questions: Vec<Question>, mut with: impl FnMut() -> Option<Result<Facts>>) {
    for it in questions {
        drop(it.tell.send(with()));
    }
}

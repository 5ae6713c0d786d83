//! Looking names up in company: whoever wants to know what stands somewhere puts the question into the queue
//! of its server. Questions that wait go out together, so many callers cost few round trips and few sessions.
//!
//! # Invariants
//! - A session that breaks under several questions answers none of them for the others: each is then asked
//!   alone, and hears its own failure.
//! - A queue has at most [`BATCHES`] batches under way, and none without a question.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use causeway_gridftp_wire::{Endpoint, Facts, Pool, Result};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Questions of one batch, at most.
const MOST: usize = 16;
/// Batches of one queue at a time, at most.
const BATCHES: usize = 4;

/// The queues of all servers, each by name of who asks.
#[derive(Clone)]
pub(crate) struct Looks {
    pool: Pool,
    queues: Arc<Mutex<HashMap<String, Queue>>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Question>,
    batches: usize,
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
            queues: Arc::default(),
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
        if self.queue(&key, question) {
            let at = at.clone();
            tokio::spawn(async move { looks.serve(key, at).await });
        }
        match told.await {
            Ok(Some(answer)) => answer,
            // The batch broke, or its task went with the runtime it ran on.
            Ok(None) | Err(_) => self.pool.brief(at).await?.stat(&path).await,
        }
    }

    /// True when one more batch is to be begun for it.
    fn queue(&self, key: &str, question: Question) -> bool {
        let mut queues = self.queues.lock();
        let queue = queues.entry(key.to_owned()).or_default();
        queue.waiting.push_back(question);
        let is_wanted = queue.batches < BATCHES && queue.waiting.len() > queue.batches * MOST;
        queue.batches += usize::from(is_wanted);
        is_wanted
    }

    /// What waits; nothing when this batch was the last.
    fn take(&self, key: &str) -> Vec<Question> {
        let mut queues = self.queues.lock();
        let Some(queue) = queues.get_mut(key) else {
            return Vec::new();
        };
        // Nobody waits for the answer of who gave up.
        queue.waiting.retain(|it| !it.tell.is_closed());
        let share = queue.waiting.len().min(MOST);
        let questions: Vec<Question> = queue.waiting.drain(..share).collect();
        if questions.is_empty() {
            queue.batches = queue.batches.saturating_sub(1);
            if queue.batches == 0 {
                queues.remove(key);
            }
        }
        questions
    }

    async fn serve(self, key: String, at: Endpoint) {
        loop {
            let questions = self.take(&key);
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

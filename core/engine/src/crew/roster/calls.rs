//! Metadata calls in the book: which worker was asked, and who waits for the answer.

use causeway_sdk::Error;
use tokio::sync::oneshot;

use super::line::{Asked, Line};
use super::{Outcome, Roster};
use crate::crew::call::{Answer, Call};
use crate::crew::wire::ToWorker;

impl Roster {
    /// Gives a call to the worker with the fewest; `None` when there is no worker now.
    pub(in crate::crew) fn ask(
        &mut self,
        call: Call,
    ) -> Option<(u64, u64, oneshot::Receiver<Outcome>)> {
        let plugin = self.served_by.get(&call.scheme).cloned();
        let number = self.number();
        let active = self.active;
        let fit = |(_, line): &(&u64, &mut Line)| line.serves(active);
        let lines = self.lines.iter_mut().filter(fit);
        let (id, line) = lines.min_by_key(|(_, line)| line.calls.len())?;
        let (answer, answered) = oneshot::channel();
        line.calls.insert(number, Asked { plugin, answer });
        line.send(ToWorker::Call(number, Box::new(call)));
        Some((*id, number, answered))
    }

    /// Nobody waits for a call any more.
    pub(in crate::crew) fn forget(&mut self, id: u64, number: u64) {
        if let Some(line) = self.lines.get_mut(&id)
            && line.calls.remove(&number).is_some()
        {
            line.send(ToWorker::Forget(number));
            self.let_idle_leave();
        }
    }

    /// A call was answered.
    pub(in crate::crew) fn answered(
        &mut self,
        id: u64,
        number: u64,
        answer: Result<Answer, Error>,
    ) {
        let line = self.lines.get_mut(&id);
        if let Some(asked) = line.and_then(|line| line.calls.remove(&number)) {
            asked.answer(answer);
            self.let_idle_leave();
        }
    }
}

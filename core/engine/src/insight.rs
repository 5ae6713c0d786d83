//! Questions about the engine's reasons: asked through [`Engine`], answered by the dispatcher
//! between two of its events.
//!
//! A job that is only planned is broken down here to its links and activities, so the dispatcher
//! is asked once for each of them, in portions; what follows from storages and states is found
//! without it. What an operator sets back is noted in the audit. Knows no wording: that is
//! [`causeway_model::explain`].

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use causeway_model::explain::{Explanation, Sibling, Side, Wait};
use causeway_model::ports::{EngineInsight, JobView, StoreError};
use causeway_model::{
    Conditions, FileId, FileState, Forecast, Job, JobId, JobType, OptimizerRow, Rung, Settings,
    Transfer,
};

use crate::control::{Answer, Command, Engine};
use crate::dispatcher::Dispatcher;
use crate::order;
use crate::plan::{Terrain, ladder, last};
use crate::reasons::{Outlook, predicted};

/// Links of a planned job that the dispatcher looks at without a pause.
const AT_ONCE: usize = 64;

/// What the dispatcher is asked.
pub(crate) enum Question {
    Explain(JobId, FileId, Answer<Option<Explanation>>),
    /// How it looks for transfers like these.
    Outlook(Arc<Job>, Vec<Arc<Transfer>>, Answer<Vec<Outlook>>),
    Conditions(Answer<Conditions>),
    ResetBreaker(Arc<str>, Answer<bool>),
    ForgetWays(Arc<str>, Arc<str>, Answer<bool>),
    SetLinkValue(OptimizerRow, Answer<()>),
}

impl Dispatcher {
    /// Answers. Nothing of it waits for the journal: no row changes. A caller who went away does
    /// not hear it.
    pub(crate) fn reply(&mut self, question: Question) {
        match question {
            Question::Explain(job, file, to) => drop(to.send(Ok(self.explain(job, file)))),
            Question::Outlook(job, files, to) => {
                let looks = files.iter().map(|it| self.outlook(&job, it)).collect();
                drop(to.send(Ok(looks)));
            }
            Question::Conditions(to) => drop(to.send(Ok(self.conditions()))),
            Question::ResetBreaker(storage, to) => {
                drop(to.send(Ok(self.reset_breaker(&storage))));
            }
            Question::ForgetWays(source, destination, to) => {
                drop(to.send(Ok(self.ways.forget(&source, &destination))));
            }
            Question::SetLinkValue(row, to) => {
                self.set_link_value(row);
                drop(to.send(Ok(())));
            }
        }
    }
}

impl Engine {
    async fn put<T>(&self, ask: impl FnOnce(Answer<T>) -> Question) -> Result<T, StoreError> {
        self.ask(|answer| Command::Ask(ask(answer))).await
    }

    /// The ways between the storages of a transfer, and the sides that nobody serves.
    fn ways(&self, row: &Transfer, look: &Outlook) -> (Vec<Rung>, Vec<Side>) {
        let source = self.storages.storage_for(&row.source_surl);
        let destination = self.storages.storage_for(&row.dest_surl);
        let (Ok(source), Ok(destination)) = (&source, &destination) else {
            let sides = [(Side::Outbound, &source), (Side::Inbound, &destination)];
            let unserved = sides.into_iter().filter(|(_, it)| it.is_err());
            return (Vec::new(), unserved.map(|(side, _)| side).collect());
        };
        let rungs = ladder(Terrain {
            source: &source.describe(),
            destination: &destination.describe(),
            source_scheme: row.source_surl.scheme(),
            destination_scheme: row.dest_surl.scheme(),
            peer_copies: look.limits.peer_copies,
            streaming_allowed: look.limits.streaming_allowed,
        });
        (last(rungs, &look.avoid), Vec::new())
    }

    async fn outlooks(
        &self,
        job: &Arc<Job>,
        lines: &[Arc<Transfer>],
    ) -> Result<Vec<Outlook>, StoreError> {
        let mut looks = Vec::with_capacity(lines.len());
        for part in lines.chunks(AT_ONCE) {
            let (job, part) = (Arc::clone(job), part.to_vec());
            looks.extend(self.put(|to| Question::Outlook(job, part, to)).await?);
        }
        Ok(looks)
    }
}

/// A planned transfer stands in the same line as those with the same source, destination and
/// activity.
type Line<'a> = (&'a str, &'a str, &'a str);

/// The first transfer of each line, and the line of every transfer.
fn lines(files: &[Arc<Transfer>]) -> (Vec<Arc<Transfer>>, Vec<usize>) {
    let mut known: HashMap<Line<'_>, usize> = HashMap::new();
    let mut firsts = Vec::new();
    let mut places = Vec::with_capacity(files.len());
    for file in files {
        let line = (&*file.source_se, &*file.dest_se, &*file.activity);
        let place = *known.entry(line).or_insert_with(|| {
            firsts.push(Arc::clone(file));
            firsts.len() - 1
        });
        places.push(place);
    }
    (firsts, places)
}

/// Why a planned transfer would wait in the state in which it begins; `None` when that is up to
/// the queue.
fn waits_in_state(settings: &Settings, view: &JobView, index: usize) -> Option<Vec<Wait>> {
    let row = &view.files[index];
    let bans = bans(settings, row);
    if !bans.is_empty() {
        return Some(bans);
    }
    match row.state {
        FileState::Staging => Some(vec![Wait::Staging { since: None }]),
        FileState::TokenPrep => Some(vec![Wait::Token]),
        FileState::NotUsed => Some(waits_for(view, index).into_iter().collect()),
        FileState::Submitted => None,
        _ => Some(Vec::new()),
    }
}

fn waits_for(view: &JobView, index: usize) -> Option<Wait> {
    let (before, sibling) = match view.job.job_type {
        Some(JobType::Multihop) => (view.files.get(index.checked_sub(1)?)?, Sibling::Hop),
        _ => {
            let begins = |it: &&Arc<Transfer>| it.state != FileState::NotUsed;
            (view.files.iter().find(begins)?, Sibling::Replica)
        }
    };
    let waits_for = before.file_id;
    Some(Wait::NotEnabled { waits_for, sibling })
}

/// The bans that concern a transfer.
pub(crate) fn bans(settings: &Settings, row: &Transfer) -> Vec<Wait> {
    let mut storages = vec![&row.source_se, &row.dest_se];
    storages.dedup();
    let bans = storages
        .into_iter()
        .filter_map(|se| settings.storage_ban(se, &row.vo_name));
    let told = |text: &String| (!text.is_empty()).then(|| text.clone());
    let wait = |ban: &Arc<causeway_model::settings::StorageBanRow>| Wait::Ban {
        storage: Arc::clone(&ban.se),
        vo: ban.vo.clone(),
        message: told(&ban.message),
    };
    bans.map(wait).collect()
}

/// The reasons of one that stands so far behind the first of its line.
fn behind(mut waits: Vec<Wait>, before: u64) -> Vec<Wait> {
    if before == 0 {
        return waits;
    }
    let mut positions = waits.iter_mut().filter_map(|it| match it {
        Wait::Position { ahead, .. } => Some(ahead),
        _ => None,
    });
    if let Some(ahead) = positions.next() {
        *ahead += before;
        return waits;
    }
    waits.retain(|it| *it != Wait::Next);
    waits.push(Wait::Position {
        ahead: before,
        exact: true,
    });
    waits
}

#[async_trait]
impl EngineInsight for Engine {
    async fn explain(&self, job: JobId, file: FileId) -> Result<Option<Explanation>, StoreError> {
        self.put(|to| Question::Explain(job, file, to)).await
    }

    async fn forecast(&self, view: JobView) -> Result<Vec<Forecast>, StoreError> {
        let (firsts, places) = lines(&view.files);
        let looks = self.outlooks(&view.job, &firsts).await?;
        let ways: Vec<_> = firsts
            .iter()
            .zip(&looks)
            .map(|(row, look)| self.ways(row, look))
            .collect();
        let settings = self.room.now();
        let now = self.room.time();
        let mut stood = vec![0_u64; firsts.len()];
        let mut forecasts = Vec::with_capacity(view.files.len());
        for (index, (row, place)) in view.files.iter().zip(places).enumerate() {
            let look = &looks[place];
            let waits = waits_in_state(&settings, &view, index).unwrap_or_else(|| {
                stood[place] += 1;
                behind(look.waits.clone(), stood[place] - 1)
            });
            let (ways, unserved) = ways[place].clone();
            forecasts.push(Forecast {
                file_id: row.file_id,
                predicted_start: predicted(&waits, look.rate, now),
                waits,
                copy_seconds: look.limits.copy_seconds(order::known_size(row)),
                avoided: ways
                    .iter()
                    .copied()
                    .filter(|it| look.avoid.contains(it))
                    .collect(),
                ways,
                unserved,
            });
        }
        Ok(forecasts)
    }

    async fn conditions(&self) -> Result<Conditions, StoreError> {
        let mut it = self.put(Question::Conditions).await?;
        it.breakers.sort_by(|a, b| a.storage.cmp(&b.storage));
        it.ways
            .sort_by(|a, b| (&a.source, &a.destination).cmp(&(&b.source, &b.destination)));
        it.links
            .sort_by(|a, b| (&a.source_se, &a.dest_se).cmp(&(&b.source_se, &b.dest_se)));
        Ok(it)
    }

    async fn reset_breaker(&self, by: &str, storage: &str) -> Result<bool, StoreError> {
        self.room.note(by, "reset-breaker", storage).await?;
        self.put(|to| Question::ResetBreaker(storage.into(), to))
            .await
    }

    async fn forget_ways(
        &self,
        by: &str,
        source: &str,
        destination: &str,
    ) -> Result<bool, StoreError> {
        let link = format!("{source} -> {destination}");
        self.room.note(by, "forget-ways", &link).await?;
        self.put(|to| Question::ForgetWays(source.into(), destination.into(), to))
            .await
    }

    async fn set_link_value(&self, by: &str, value: OptimizerRow) -> Result<(), StoreError> {
        let (source, destination) = (&value.source_se, &value.dest_se);
        let text = format!("{source} -> {destination}: {}", value.active);
        self.room.note(by, "set-link-value", &text).await?;
        self.put(|to| Question::SetLinkValue(value, to)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_behind_the_first_knows_it() {
        let position = |ahead, exact| Wait::Position { ahead, exact };
        assert_eq!(behind(vec![Wait::Next], 0), [Wait::Next]);
        assert_eq!(behind(vec![Wait::Next], 2), [position(2, true)]);
        let known = vec![Wait::Token, position(5, false)];
        assert_eq!(behind(known, 2), [Wait::Token, position(7, false)]);
    }
}

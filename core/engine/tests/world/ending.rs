//! The end of a world: nothing hinders the engine any more, so all comes to its end, and what is
//! stored is what was promised.

use std::time::Duration;

use causeway_model::FileState;
use causeway_model::ports::{EvolutionQuery, HistoryStore as _, JobStore as _, SettingsStore as _};
use causeway_model::settings::Change;

use crate::acts::Act;
use crate::jobs::USERS;
use crate::life::World;

/// Everything ends within this time once nothing hinders it any more: sixty days.
const QUIET_WITHIN: Duration = Duration::from_secs(60 * 86_400);

impl World {
    /// Nothing hinders anything any more; all must come to its end.
    pub async fn calm(&mut self) {
        self.record.note(self.now(), "calm");
        self.weather.clear();
        for host in self.drawer.hosts.clone() {
            self.change(Change::UnbanStorage(host.as_str().into()))
                .await;
        }
        for user in USERS {
            self.change(Change::UnbanUser(user.into())).await;
        }
        self.act(Act::Drain(false)).await;
        let begun = tokio::time::Instant::now();
        let mut pause = Duration::from_secs(10);
        while !self.record.with(|it| it.is_quiet()) {
            if self.record.verdict().is_some() {
                return;
            }
            if begun.elapsed() > QUIET_WITHIN {
                let left = self.record.with(|it| it.unquiet());
                self.record.blame(format!("it never came to rest: {left}"));
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(86_400));
            self.recount().await;
        }
        // Pins that are given back, walks.
        tokio::time::sleep(Duration::from_secs(600)).await;
        let held = self.recount().await;
        if !held.is_empty() {
            self.record
                .blame(format!("something stays in memory: {held:?}"));
        }
    }

    /// What is over leaves in time, if it is to leave at all.
    pub async fn grow_old(&mut self) {
        let days = self.config.clean_interval_days;
        if days == 0 {
            return;
        }
        let begun = self.now();
        // The past is looked at every hour, and a bulk at a time.
        tokio::time::sleep(Duration::from_secs(days * 86_400 + 3 * 3600)).await;
        self.record.with(|it| {
            let stays = it.jobs.keys().find(|id| !it.retired.contains_key(*id));
            if let Some(id) = stays.copied() {
                it.blame(format!("job {id} ended long ago and stays"));
            }
        });
        let witness = self.life.as_ref().unwrap().witness.clone();
        let all = EvolutionQuery {
            limit: 100_000,
            ..EvolutionQuery::default()
        };
        let decisions = witness.evolution(&all).await.unwrap();
        if let Some(old) = decisions.iter().find(|it| it.datetime < begun) {
            self.record.blame(format!("a decision stays: {old:?}"));
        }
    }

    /// What is stored is what was promised.
    pub async fn look_back(&mut self) {
        let ids: Vec<_> = self.record.with(|it| {
            if let Some(lost) = it.promised.iter().find(|id| !it.jobs.contains_key(*id)) {
                let text = format!("job {lost} was promised and is lost");
                it.blame(text);
            }
            it.jobs.keys().copied().collect()
        });
        let witness = self.life.as_ref().unwrap().witness.clone();
        for id in ids {
            let left = self.record.with(|it| it.retired.get(&id).copied());
            let view = match left {
                None => witness.view(id).await.unwrap(),
                Some(true) => witness.archived(id).await.unwrap(),
                Some(false) => continue,
            };
            let Some(view) = view else {
                self.record.blame(format!("job {id} is lost"));
                return;
            };
            for file in &view.files {
                let retries = witness.retries(id, file.file_id).await.unwrap();
                self.record.with(|it| {
                    // Retries leave with their jobs.
                    if left.is_none() && retries.len() != file.retry as usize {
                        it.blame(format!(
                            "file {} has {} retries and remembers {}",
                            file.file_id,
                            file.retry,
                            retries.len()
                        ));
                    }
                    if it.files[&file.file_id] != *file {
                        it.blame(format!("file {} is not as it was stored", file.file_id));
                    }
                    if it.canceled.contains(&file.file_id) && file.state != FileState::Canceled {
                        it.blame(format!(
                            "file {} was cancelled and is {}",
                            file.file_id, file.state
                        ));
                    }
                });
            }
            self.record.with(|it| {
                let known = &it.jobs[&id];
                let all = known.files.len() == view.files.len()
                    && known.deletions.len() == view.deletions.len();
                if !all || known.job != view.job {
                    it.blame(format!("job {id} is not as it was stored"));
                }
            });
        }
    }
}

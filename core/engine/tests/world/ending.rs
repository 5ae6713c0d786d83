//! The end of a world: nothing hinders the engine any more, so all comes to its end, and what is
//! stored is what was promised.

use std::time::Duration;

use causeway_model::FileState;
use causeway_model::ports::JobStore as _;
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
            let Some(view) = witness.view(id).await.unwrap() else {
                self.record.blame(format!("job {id} is lost"));
                return;
            };
            for file in &view.files {
                let retries = witness.retries(id, file.file_id).await.unwrap();
                self.record.with(|it| {
                    if retries.len() != file.retry as usize {
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

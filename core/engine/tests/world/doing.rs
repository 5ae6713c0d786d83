//! Doing what was drawn, and what the engine says to it.

use causeway_model::ports::{EngineControl, FileCancel, JobControl};
use causeway_model::settings::Change;

use crate::acts::Act;
use crate::life::{NODE, World};

impl World {
    pub async fn act(&self, act: Act) {
        let engine = self.engine();
        match act {
            Act::Submit(view) => {
                let id = view.job.job_id;
                match engine.submit(*view).await {
                    Ok(()) => self.record.with(|it| it.promised.extend([id])),
                    Err(error) => self.record.blame(format!("a job was refused: {error}")),
                }
            }
            Act::CancelJob(id) => self.heard(engine.cancel_job(id).await.err()),
            Act::CancelFiles(id, files) => match engine.cancel_files(id, &files).await {
                Ok(answers) => self.record.with(|it| {
                    let answers = files.iter().zip(answers.into_iter().flatten());
                    let canceled = answers.filter(|it| it.1 == FileCancel::Canceled);
                    it.canceled.extend(canceled.map(|it| *it.0));
                }),
                Err(error) => self.heard(Some(error)),
            },
            Act::CancelAll(vo) => self.heard(engine.cancel_all(vo).await.err()),
            Act::Priority(id, priority) => {
                self.heard(engine.set_priority(id, priority).await.err())
            }
            Act::Force(files) => {
                self.heard(engine.force_start("/CN=admin", &files).await.err());
            }
            Act::Change(change) => self.change(change).await,
            Act::Drain(drain) => self.heard(engine.set_drain("/CN=admin", NODE, drain).await.err()),
            Act::LoseWorker { desk, part } => {
                self.life.as_ref().unwrap().shift.lose(desk, part).await;
            }
            Act::Recount(wait) => {
                tokio::time::sleep(wait).await;
                self.recount().await;
            }
            Act::Turn(host, mood) => self.weather.turn(&host, mood),
            Act::Wait(time) => tokio::time::sleep(time).await,
        }
    }

    fn heard(&self, error: Option<impl std::fmt::Display>) {
        if let Some(error) = error {
            self.record.blame(format!("the engine refused: {error}"));
        }
    }

    pub async fn change(&self, change: Change) {
        let engine = self.engine();
        let mut settings = engine.settings();
        settings.apply(&change);
        self.record.with(|it| it.eras.begin(settings));
        self.heard(
            engine
                .change_settings("/CN=admin", vec![change])
                .await
                .err(),
        );
        let now = self.now();
        self.record.with(|it| it.eras.settle(now));
    }

    pub async fn recount(&self) -> Vec<(&'static str, usize)> {
        match self.engine().recount().await {
            Ok(census) => census.held(),
            Err(text) => {
                self.record.blame(format!("recount: {text}"));
                Vec::new()
            }
        }
    }
}

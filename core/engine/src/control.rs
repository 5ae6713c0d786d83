//! The handle by which the rest of the gateway reaches the engine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use causeway_model::ports::{
    CancelCounts, FileCancel, ForceStart, JobCancel, JobControl, JobStore, JobView, StoreError,
};
use causeway_model::settings::Change;
use causeway_model::{FileId, JobId, Settings};
use causeway_sdk::Storages;
use tokio::sync::{mpsc, oneshot};

use crate::insight::Question;
use crate::recount::Census;
use crate::settings::Room;

/// What can be asked of the dispatcher.
pub(crate) enum Command {
    /// A job is being written; what is asked about it waits.
    Inserting(JobId),
    /// It is written.
    Inserted(Box<JobView>),
    /// It could not be written.
    NotInserted(JobId),
    CancelJob(JobId, Answer<Option<JobCancel>>),
    CancelFiles(JobId, Vec<FileId>, Answer<Option<Vec<FileCancel>>>),
    CancelAll(Option<String>, Answer<CancelCounts>),
    SetPriority(JobId, i32, Answer<Option<JobCancel>>),
    ForceStart(Vec<FileId>, Answer<Vec<ForceStart>>),
    /// Settings were stored: how they are now, what changed, and who waits until it is obeyed.
    Settings(Box<Settings>, Vec<Change>, Answer<Vec<JobId>>),
    Ready(Answer<()>),
    /// Something is asked that changes no row.
    Ask(Question),
    /// Every counter is compared with what it counts.
    Recount(Answer<Census>),
    Shutdown(Duration, oneshot::Sender<()>),
}

/// Where an answer goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// An answer that is ready but may not be given yet.
pub(crate) enum Reply {
    Job(Answer<Option<JobCancel>>, Option<JobCancel>),
    Files(Answer<Option<Vec<FileCancel>>>, Vec<FileCancel>),
    Counts(Answer<CancelCounts>, CancelCounts),
    Forced(Answer<Vec<ForceStart>>, Vec<ForceStart>),
    Jobs(Answer<Vec<JobId>>, Vec<JobId>),
}

impl Reply {
    /// Gives it. A caller who went away does not hear it.
    pub(crate) fn send(self) {
        match self {
            Self::Job(to, answer) => drop(to.send(Ok(answer))),
            Self::Files(to, answer) => drop(to.send(Ok(Some(answer)))),
            Self::Counts(to, answer) => drop(to.send(Ok(answer))),
            Self::Forced(to, answer) => drop(to.send(Ok(answer))),
            Self::Jobs(to, answer) => drop(to.send(Ok(answer))),
        }
    }
}

/// The engine, as others see it. Clones speak to the same engine; when the last is dropped the
/// engine stops without grace.
#[derive(Clone)]
pub struct Engine {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) storages: Arc<dyn Storages>,
    pub(crate) room: Arc<Room>,
}

impl Engine {
    /// Stops: no new work, running attempts may end within `grace`, then they are cancelled but
    /// stay as they are in the store, for the next start. Returns when all is quiet.
    pub async fn shutdown(&self, grace: Duration) {
        let (done, stopped) = oneshot::channel();
        if self
            .commands
            .send(Command::Shutdown(grace, done))
            .await
            .is_ok()
        {
            // An error means that it has stopped already.
            drop(stopped.await);
        }
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Answer<T>) -> Command,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.tell(command(answer)).await?;
        answered.await.map_err(|_| stopped())?
    }

    pub(crate) async fn tell(&self, command: Command) -> Result<(), StoreError> {
        self.commands.send(command).await.map_err(|_| stopped())
    }
}

pub(crate) fn stopped() -> StoreError {
    StoreError::Failed("engine has stopped".into())
}

#[async_trait]
impl JobControl for Engine {
    async fn submit(&self, view: JobView) -> Result<(), StoreError> {
        let id = view.job.job_id;
        self.tell(Command::Inserting(id)).await?;
        let engine = self.clone();
        // A task of its own: a caller who goes away must not leave a job behind that is stored
        // but unknown to the dispatcher.
        let task = tokio::spawn(async move {
            let inserted = engine.store.insert(view.clone()).await;
            let news = match &inserted {
                Ok(()) => Command::Inserted(Box::new(view)),
                Err(_) => Command::NotInserted(id),
            };
            if engine.tell(news).await.is_err() {
                tracing::debug!(job.id = %id, "engine stopped while a job was taken");
            }
            inserted
        });
        task.await
            .map_err(|error| StoreError::Failed(format!("take a job: {error}")))?
    }

    async fn cancel_job(&self, id: JobId) -> Result<Option<JobCancel>, StoreError> {
        self.ask(|answer| Command::CancelJob(id, answer)).await
    }

    async fn cancel_files(
        &self,
        id: JobId,
        files: &[FileId],
    ) -> Result<Option<Vec<FileCancel>>, StoreError> {
        let files = files.to_vec();
        self.ask(|answer| Command::CancelFiles(id, files, answer))
            .await
    }

    async fn cancel_all(&self, vo_name: Option<&str>) -> Result<CancelCounts, StoreError> {
        let vo_name = vo_name.map(str::to_owned);
        self.ask(|answer| Command::CancelAll(vo_name, answer)).await
    }

    async fn set_priority(
        &self,
        id: JobId,
        priority: i32,
    ) -> Result<Option<JobCancel>, StoreError> {
        self.ask(|answer| Command::SetPriority(id, priority, answer))
            .await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.ask(Command::Ready).await
    }
}

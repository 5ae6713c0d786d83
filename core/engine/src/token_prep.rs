//! Tokens of transfers: making them ready before a transfer is queued, and what happens when an
//! attempt cannot have its token.
//!
//! A few transfers at a time are seen to, so that a job with many of them keeps no issuer busy and
//! costs the dispatcher nothing. How a token is made ready, and that transfers may share one, is
//! known to the [`TokenSource`].
//!
//! # Invariants
//! - A transfer leaves TOKEN_PREP for the state it was submitted for, or fails: `tests/tokens`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::oauth::{TokenId, TokenSource, TokenTrouble};
use causeway_model::{Fault, FileId, FileState, JobType, Phase, Scope, Transfer};
use tokio::sync::mpsc;

use crate::alarm::Alarm;
use crate::dispatcher::{Dispatcher, Notice, Stage};
use crate::ending::fail;
use crate::messages::{AttemptEvent, AttemptId, Report};

/// Transfers that are seen to at the same time.
const AT_ONCE: usize = 16;
/// Tries, before a transfer fails.
const TRIES: u32 = 5;
/// Before the second try; doubled for each one after.
const PAUSE: Duration = Duration::from_secs(30);

const EAGAIN: i32 = 11;
const EACCES: i32 = 13;

/// Transfers whose tokens are being made ready.
pub(crate) struct TokenPrep {
    source: Option<Arc<dyn TokenSource>>,
    notices: mpsc::UnboundedSender<Notice>,
    waiting: VecDeque<FileId>,
    /// Those and the ones that are seen to now.
    known: HashSet<FileId>,
    /// Tries that failed.
    tries: HashMap<FileId, u32>,
}

impl TokenPrep {
    pub(crate) fn new(
        source: Option<Arc<dyn TokenSource>>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Self {
        Self {
            source,
            notices,
            waiting: VecDeque::new(),
            known: HashSet::new(),
            tries: HashMap::new(),
        }
    }

    fn has_room(&self) -> bool {
        self.known.len() - self.waiting.len() < AT_ONCE
    }

    fn begin(&self, file: FileId, tokens: Vec<TokenId>) {
        let (source, notices) = (self.source.clone(), self.notices.clone());
        tokio::spawn(async move {
            let outcome = prepare(source.as_deref(), tokens).await;
            if notices.send(Notice::TokensReady(file, outcome)).is_err() {
                tracing::debug!("dispatcher is gone, tokens are made ready again");
            }
        });
    }
}

async fn prepare(
    source: Option<&dyn TokenSource>,
    tokens: Vec<TokenId>,
) -> Result<(), TokenTrouble> {
    let source = source.ok_or_else(|| TokenTrouble::Never("nobody keeps tokens here".into()))?;
    for token in tokens {
        source.prepare(token).await?;
    }
    Ok(())
}

impl Dispatcher {
    /// Has the tokens of a transfer made ready.
    pub(crate) fn prepare_tokens(&mut self, file: FileId) {
        if self.waits_for_tokens(file) {
            if self.token_prep.known.insert(file) {
                self.token_prep.waiting.push_back(file);
            }
        } else {
            self.token_prep.tries.remove(&file);
        }
        self.go_on_preparing();
    }

    fn waits_for_tokens(&self, file: FileId) -> bool {
        let entry = self.board.file(file);
        entry.is_some_and(|it| it.row.state == FileState::TokenPrep)
    }

    fn go_on_preparing(&mut self) {
        while self.token_prep.has_room()
            && let Some(file) = self.token_prep.waiting.pop_front()
        {
            if self.waits_for_tokens(file) {
                self.token_prep.begin(file, self.tokens_of(file));
            } else {
                self.token_prep.known.remove(&file);
                self.token_prep.tries.remove(&file);
            }
        }
    }

    /// The tokens of a transfer. Replicas and later hops are enabled without another look, so
    /// theirs are made ready with the first one's.
    fn tokens_of(&self, file: FileId) -> Vec<TokenId> {
        let Some(entry) = self.board.file(file) else {
            return Vec::new();
        };
        let job = self.board.job(entry.row.job_id);
        let siblings = job.filter(|it| {
            let kind = it.job.job_type;
            matches!(kind, Some(JobType::Multihop | JobType::MultiReplica))
        });
        let tokens = |row: &Transfer| [row.src_token_id, row.dst_token_id];
        let mut all: Vec<TokenId> = match siblings {
            None => tokens(&entry.row).into_iter().flatten().collect(),
            Some(job) => {
                let rows = job.files.iter().filter_map(|it| self.board.file(*it));
                rows.flat_map(|it| tokens(&it.row)).flatten().collect()
            }
        };
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Takes an answer about the tokens of a transfer.
    pub(crate) fn tokens_answered(&mut self, file: FileId, outcome: Result<(), TokenTrouble>) {
        self.token_prep.known.remove(&file);
        if matches!(self.stage, Stage::Open) && self.waits_for_tokens(file) {
            match outcome {
                Ok(()) => self.take_up_with_tokens(file),
                Err(TokenTrouble::Later(why)) => self.try_tokens_again(file, &why),
                Err(TokenTrouble::Never(why)) => self.fail_in_token_prep(file, &why),
            }
        }
        self.go_on_preparing();
    }

    fn take_up_with_tokens(&mut self, file: FileId) {
        self.token_prep.tries.remove(&file);
        let initial = self
            .board
            .file(file)
            .and_then(|it| it.row.file_state_initial);
        let next = initial.unwrap_or(FileState::Submitted);
        let moved = self
            .board
            .move_file(file, next, |row| row.file_state_initial = None);
        if moved {
            self.line_up(file);
        } else {
            self.fail_in_token_prep(file, "the state it was submitted for is none to begin with");
        }
    }

    fn try_tokens_again(&mut self, file: FileId, why: &str) {
        let tries = self.token_prep.tries.entry(file).or_default();
        *tries += 1;
        if *tries >= TRIES {
            self.fail_in_token_prep(file, why);
            return;
        }
        let pause = PAUSE * 2u32.pow(*tries - 1);
        tracing::info!(file.id = file.0, %why, "tokens are not ready yet");
        self.set_alarm(pause, Alarm::PrepareTokens(file));
    }

    fn fail_in_token_prep(&mut self, file: FileId, why: &str) {
        self.token_prep.tries.remove(&file);
        let text = format!("make the token ready: {why}");
        let failure = Fault::new(Scope::General, Phase::Service, EACCES, text).into();
        let now = self.now;
        let failed = |row: &mut Transfer| fail(row, &failure, now);
        if self.board.move_file(file, FileState::Failed, failed) {
            self.file_failed(file);
        }
    }

    /// Ends an attempt that cannot have the token for one of its sides.
    pub(crate) fn fail_without_token(
        &mut self,
        attempt: AttemptId,
        side: Scope,
        trouble: &TokenTrouble,
    ) {
        let errno = match trouble {
            TokenTrouble::Later(_) => EAGAIN,
            TokenTrouble::Never(_) => EACCES,
        };
        let text = format!("no token for the {}: {trouble}", side.name().to_lowercase());
        // The storage has no part in it.
        let fault = Fault::new(Scope::General, Phase::Preparation, errno, text);
        let event = AttemptEvent::Failed(Box::new(fault.into()));
        self.report(Report { attempt, event });
    }
}

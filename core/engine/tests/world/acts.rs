//! What can happen in a world. An act is drawn first and done later, so that several can happen at
//! the same time and the draws depend on nothing but the seed and what is stored.

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::crew::Part;
use causeway_model::ports::JobView;
use causeway_model::settings::{
    ActivityShareRow, BanStatus, Change, LinkRow, Operation, OperationLimitRow, ShareRow,
    StorageBanRow, StorageRow, UserBanRow, VoRow,
};
use causeway_model::{FileId, JobId, Timestamp};
use rand::Rng;
use rand::rngs::StdRng;

use crate::jobs::{USERS, VOS};
use crate::record::Record;
use crate::weather::Mood;

/// Something that happens.
#[derive(Debug)]
pub enum Act {
    Submit(Box<JobView>),
    CancelJob(JobId),
    CancelFiles(JobId, Vec<FileId>),
    CancelAll(Option<&'static str>),
    Priority(JobId, i32),
    Force(Vec<FileId>),
    Change(Change),
    Drain(bool),
    LoseWorker {
        desk: usize,
        part: Part,
    },
    /// Everything is counted again after a while.
    Recount(Duration),
    Turn(String, Mood),
    Wait(Duration),
}

/// What becomes of the engine itself.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Stop { grace: Duration },
    Kill,
}

/// Draws acts.
pub struct Drawer {
    pub hosts: Vec<String>,
    pub record: Record,
}

impl Drawer {
    fn host(&self, dice: &mut StdRng) -> Arc<str> {
        self.hosts[dice.random_range(0..self.hosts.len())]
            .as_str()
            .into()
    }

    /// A storage, or any.
    fn place(&self, dice: &mut StdRng) -> Arc<str> {
        match dice.random_bool(0.15) {
            true => "*".into(),
            false => self.host(dice),
        }
    }

    /// A job that was stored, more often one that has not ended, with some of its files.
    fn job(&self, dice: &mut StdRng) -> Option<(JobId, Vec<FileId>)> {
        let open_only = dice.random_bool(0.8);
        self.record.with(|ledger| {
            let jobs = ledger.jobs.values();
            let jobs = jobs.filter(|it| !open_only || !it.job.state.is_terminal());
            let mut ids: Vec<JobId> = jobs.map(|it| it.job.job_id).collect();
            ids.sort();
            let id = *ids.get(dice.random_range(0..ids.len().max(1)))?;
            let files = ledger.jobs[&id].files.iter();
            let files = files.filter(|_| dice.random_bool(0.5)).copied().collect();
            Some((id, files))
        })
    }

    /// Anything but a submission. Nothing when it needs a job and there is none.
    pub fn act(&self, dice: &mut StdRng) -> Option<Act> {
        Some(match dice.random_range(0..30) {
            0 | 1 => Act::CancelJob(self.job(dice)?.0),
            2..5 => {
                let (job, files) = self.job(dice)?;
                Act::CancelFiles(job, files)
            }
            5 if dice.random_bool(0.2) => Act::CancelAll(dice.random_bool(0.7).then(|| vo(dice))),
            5..8 => Act::Priority(self.job(dice)?.0, dice.random_range(1..6)),
            8..10 => Act::Force(self.job(dice)?.1),
            10..15 => Act::LoseWorker {
                desk: dice.random_range(0..9),
                part: [Part::Bystander, Part::Unknown, Part::Suspect][dice.random_range(0..3)],
            },
            15..18 => {
                let moods = [
                    Mood::Fine,
                    Mood::Fine,
                    Mood::Refusing,
                    Mood::Hanging,
                    Mood::Slow,
                ];
                let mood = moods[dice.random_range(0..moods.len())];
                Act::Turn(self.host(dice).to_string(), mood)
            }
            18..22 => Act::Recount(Duration::from_millis(dice.random_range(0..60_000))),
            _ => Act::Wait(Duration::from_millis(dice.random_range(0..3000))),
        })
    }

    /// A change of settings.
    pub fn change(&self, dice: &mut StdRng, now: Timestamp) -> Act {
        Act::Change(match dice.random_range(0..15) {
            0..3 => self.ban(dice, now),
            3..5 => Change::UnbanStorage(self.host(dice)),
            5 => Change::BanUser(UserBanRow {
                dn: USERS[dice.random_range(0..USERS.len())].into(),
                message: "drawn".into(),
                addition_time: now,
                admin_dn: "/CN=admin".into(),
            }),
            6 => Change::UnbanUser(USERS[dice.random_range(0..USERS.len())].into()),
            7 => return Act::Drain(dice.random_bool(0.5)),
            8..10 => self.link(dice),
            10..12 => self.storage(dice),
            12 => self.share(dice),
            13 => Change::PutVo(VoRow {
                max_time_queue: Some(dice.random_range(0..3)),
                ..VoRow::new(vo(dice))
            }),
            _ => self.operation(dice),
        })
    }

    fn ban(&self, dice: &mut StdRng, now: Timestamp) -> Change {
        let kinds = [BanStatus::Cancel, BanStatus::Wait, BanStatus::WaitAndSubmit];
        Change::BanStorage(StorageBanRow {
            se: self.host(dice),
            message: "drawn".into(),
            addition_time: now,
            admin_dn: "/CN=admin".into(),
            vo: dice.random_bool(0.3).then(|| vo(dice).into()),
            status: kinds[dice.random_range(0..kinds.len())],
            wait_timeout: [0, 30, 600][dice.random_range(0..3)],
        })
    }

    fn link(&self, dice: &mut StdRng) -> Change {
        let (source, destination) = (self.place(dice), self.place(dice));
        let any = &*source == "*" && &*destination == "*";
        let name = if any {
            "*".to_owned()
        } else {
            format!("{source}-{destination}")
        };
        if !any && dice.random_bool(0.2) {
            return Change::DeleteLink(name.as_str().into());
        }
        Change::PutLink(LinkRow {
            min_active: 1,
            max_active: dice.random_range(1..6),
            optimizer_mode: dice.random_bool(0.7).then(|| dice.random_range(0..5)),
            ..LinkRow::new(&name, &source, &destination)
        })
    }

    fn storage(&self, dice: &mut StdRng) -> Change {
        let storage = self.place(dice);
        if dice.random_bool(0.2) {
            return Change::DeleteStorage(storage);
        }
        Change::PutStorage(StorageRow {
            inbound_max_active: dice.random_bool(0.7).then(|| dice.random_range(1..6)),
            outbound_max_active: dice.random_bool(0.7).then(|| dice.random_range(1..6)),
            ..StorageRow::new(&storage)
        })
    }

    fn share(&self, dice: &mut StdRng) -> Change {
        let (source, destination) = (self.place(dice), self.place(dice));
        if dice.random_bool(0.4) {
            let shares = vec![("default".into(), 0.3), ("Production".into(), 0.7)];
            return Change::PutActivityShare(ActivityShareRow {
                vo: vo(dice).into(),
                active: dice.random_bool(0.8),
                shares,
            });
        }
        let vo = if dice.random_bool(0.5) {
            "public"
        } else {
            vo(dice)
        };
        if dice.random_bool(0.4) {
            let vo = vo.into();
            return Change::DeleteShare {
                source,
                destination,
                vo,
            };
        }
        Change::PutShare(ShareRow {
            source,
            destination,
            vo: vo.into(),
            active: dice.random_range(0..50),
        })
    }

    fn operation(&self, dice: &mut StdRng) -> Change {
        let operations = [Operation::Delete, Operation::Staging];
        Change::PutOperationLimit(OperationLimitRow {
            vo_name: vo(dice).into(),
            host: self.host(dice),
            operation: operations[dice.random_range(0..2)],
            concurrent_ops: dice.random_range(0..4),
        })
    }
}

fn vo(dice: &mut StdRng) -> &'static str {
    VOS[dice.random_range(0..VOS.len())]
}

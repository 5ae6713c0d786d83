//! Jobs by chance: every type, with whatever a user can ask for and whatever can go wrong.

use std::sync::Arc;

use causeway_model::ids::destination_id;
use causeway_model::ports::{JobStore, JobView};
use causeway_model::{FileState, Job, JobId, JobState, JobType, Overwrite, Timestamp, Transfer};
use rand::Rng;
use rand::rngs::StdRng;

use crate::rows;

pub const VOS: [&str; 3] = ["atlas", "cms", "dteam"];
pub const USERS: [&str; 3] = ["/CN=ann", "/CN=bob", "/CN=eve"];
pub const ACTIVITIES: [&str; 3] = ["default", "Production", "user"];

/// Makes jobs between these storages.
pub struct Maker {
    pub hosts: Vec<String>,
    /// Files made, so that no two have the same name.
    pub files: u64,
}

impl Maker {
    fn host(&self, dice: &mut StdRng) -> String {
        self.hosts[dice.random_range(0..self.hosts.len())].clone()
    }

    fn name(&mut self) -> String {
        self.files += 1;
        format!("dir/f{}", self.files)
    }

    /// A source that may be slow or broken, perhaps on tape.
    fn source(&mut self, dice: &mut StdRng, host: &str) -> String {
        let mut keys = format!("size={}", dice.random_range(0..5000));
        match dice.random_range(0..30) {
            0 => keys += "&errno=2",
            1 => keys += "&errno=110",
            2 => keys += "&wait=100000",
            3..6 => keys += &format!("&delay_ms={}", dice.random_range(1..4000)),
            6 => keys += "&read_errno=5",
            _ => {}
        }
        keys += &tape(dice, "staging");
        format!("{host}/{}?{keys}", self.name())
    }

    /// A destination for a file of that size.
    fn destination(&mut self, dice: &mut StdRng, host: &str, source: &str) -> String {
        let size = source
            .split("size=")
            .nth(1)
            .and_then(|it| it.split('&').next());
        let mut keys = format!("size_post={}", size.unwrap_or("0"));
        match dice.random_range(0..24) {
            0 => keys = "size_post=7777".into(),
            1 => keys += "&transfer_errno=1",
            2..4 => keys += "&transfer_errno=110",
            4 => keys += "&exists=1&size_pre=5",
            5..8 => keys += &format!("&failure_rate=50&seed={}", self.files),
            8 => keys += "&access_errno=13",
            _ => {}
        }
        // Without a time the storage draws one.
        if dice.random_bool(0.95) {
            keys += &format!("&time={}", dice.random_range(0..25));
        }
        keys += &tape(dice, "archiving");
        format!("{host}/{}?{keys}", self.name())
    }

    fn pair(&mut self, dice: &mut StdRng) -> (String, String) {
        let (from, to) = (self.host(dice), self.host(dice));
        let source = self.source(dice, &from);
        let destination = self.destination(dice, &to, &source);
        (source, destination)
    }

    /// Any job.
    pub fn job(&mut self, dice: &mut StdRng, store: &dyn JobStore, now: Timestamp) -> JobView {
        let mut view = match dice.random_range(0..10) {
            0 => self.deletion(dice, store, now),
            1 => self.replicas(dice, store, now),
            2 => self.chain(dice, store, now),
            3 => self.session(dice, store, now),
            _ => self.plain(dice, store, now),
        };
        let job_id = JobId(uuid::Uuid::from_u128(dice.random()));
        wish(dice, Arc::make_mut(&mut view.job), now);
        let job = Job {
            job_id,
            ..Job::clone(&view.job)
        };
        let holds = dice.random_bool(0.3) && job.job_type == Some(JobType::Normal);
        for row in &mut view.files {
            let row = Arc::make_mut(row);
            row.job_id = job_id;
            row.vo_name = Arc::clone(&job.vo_name);
            row.priority = job.priority;
            row.activity = ACTIVITIES[dice.random_range(0..ACTIVITIES.len())].into();
            if holds {
                row.dest_surl_uuid = Some(destination_id(row.dest_surl.as_str()));
            }
        }
        for row in &mut view.deletions {
            let row = Arc::make_mut(row);
            row.job_id = job_id;
            row.vo_name = Arc::clone(&job.vo_name);
        }
        view.job = Arc::new(job);
        if view.job.job_type.is_some() && dice.random_bool(0.2) {
            from_tape(dice, &mut view);
        }
        view
    }

    fn plain(&mut self, dice: &mut StdRng, store: &dyn JobStore, now: Timestamp) -> JobView {
        let number = dice.random_range(1..6);
        let pairs: Vec<_> = (0..number).map(|_| self.pair(dice)).collect();
        view(store, now, &pairs)
    }

    fn replicas(&mut self, dice: &mut StdRng, store: &dyn JobStore, now: Timestamp) -> JobView {
        let (source, destination) = self.pair(dice);
        let mut pairs = vec![(source, destination.clone())];
        for _ in 0..dice.random_range(1..4) {
            let from = self.host(dice);
            pairs.push((self.source(dice, &from), destination.clone()));
        }
        let mut view = view(store, now, &pairs);
        Arc::make_mut(&mut view.job).job_type = Some(JobType::MultiReplica);
        let strategy = dice.random_bool(0.5).then(|| "auto".to_owned());
        for (number, file) in view.files.iter_mut().enumerate() {
            let file = Arc::make_mut(file);
            file.file_index = 0;
            file.selection_strategy.clone_from(&strategy);
            // As if the user had named the best one, not the first.
            file.state = if number == 0 {
                FileState::Submitted
            } else {
                FileState::NotUsed
            };
        }
        view
    }

    fn chain(&mut self, dice: &mut StdRng, store: &dyn JobStore, now: Timestamp) -> JobView {
        let mut pairs = vec![self.pair(dice)];
        for _ in 0..dice.random_range(1..4) {
            let from = pairs[pairs.len() - 1].1.clone();
            let to = self.host(dice);
            let size = from
                .split("size_post=")
                .nth(1)
                .and_then(|it| it.split('&').next());
            let size = format!("size={}", size.unwrap_or("0"));
            pairs.push((from, self.destination(dice, &to, &size)));
        }
        let mut view = view(store, now, &pairs);
        Arc::make_mut(&mut view.job).job_type = Some(JobType::Multihop);
        for file in view.files.iter_mut().skip(1) {
            Arc::make_mut(file).state = FileState::NotUsed;
        }
        view
    }

    fn session(&mut self, dice: &mut StdRng, store: &dyn JobStore, now: Timestamp) -> JobView {
        let (from, to) = (self.host(dice), self.host(dice));
        let number = dice.random_range(1..6);
        let mut pair = || {
            let source = self.source(dice, &from);
            let destination = self.destination(dice, &to, &source);
            (source, destination)
        };
        let pairs: Vec<_> = (0..number).map(|_| pair()).collect();
        let mut view = view(store, now, &pairs);
        Arc::make_mut(&mut view.job).job_type = Some(JobType::Reuse);
        view
    }

    fn deletion(&mut self, dice: &mut StdRng, store: &dyn JobStore, now: Timestamp) -> JobView {
        let number = dice.random_range(1..6);
        let urls: Vec<String> = (0..number)
            .map(|_| {
                let host = self.host(dice);
                self.source(dice, &host)
            })
            .collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        rows::deletion_job(store, now, &urls)
    }
}

fn view(store: &dyn JobStore, now: Timestamp, pairs: &[(String, String)]) -> JobView {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|it| (&*it.0, &*it.1)).collect();
    rows::job(store, now, &pairs)
}

/// What tape does with a file.
fn tape(dice: &mut StdRng, what: &str) -> String {
    match dice.random_range(0..8) {
        0 => format!("&{what}_errno=2"),
        1 => format!("&{what}_errno=110"),
        2 => format!("&{what}_time=10000"),
        _ => format!("&{what}_time={}", dice.random_range(0..1500)),
    }
}

/// What a user may ask for.
fn wish(dice: &mut StdRng, job: &mut Job, now: Timestamp) {
    job.vo_name = VOS[dice.random_range(0..VOS.len())].into();
    let user = dice.random_range(0..USERS.len());
    job.user_dn = USERS[user].into();
    job.cred_id = format!("{user:016}").into();
    job.retry = dice.random_range(-1..4);
    job.retry_delay = dice.random_range(0..60);
    job.priority = dice.random_range(1..6);
    if dice.random_bool(0.5) {
        job.overwrite = Overwrite::Yes;
    }
    if dice.random_bool(0.1) {
        job.max_time_in_queue = Some(now.seconds() + dice.random_range(1..600));
    }
    if job.job_type.is_some() && dice.random_bool(0.15) {
        job.archive_timeout = dice.random_range(0..2000);
    }
}

/// Lets the files of a job be brought online first.
fn from_tape(dice: &mut StdRng, view: &mut JobView) {
    let only = dice.random_bool(0.2) && view.job.job_type == Some(JobType::Normal);
    let job = Arc::make_mut(&mut view.job);
    job.state = JobState::Staging;
    job.bring_online = dice.random_range(100..4000);
    job.copy_pin_lifetime = dice.random_range(-1..1000);
    let stage = |file: &mut Transfer| {
        if file.state == FileState::Submitted {
            file.state = FileState::Staging;
        }
        if only {
            file.dest_surl = file.source_surl.clone();
            file.dest_se = Arc::clone(&file.source_se);
            file.dest_surl_uuid = None;
        }
    };
    for file in &mut view.files {
        stage(Arc::make_mut(file));
    }
}

//! What a change of settings does in the dispatcher: limits of the scheduler, holds, drain.
//!
//! Only what changed is told again, at once for what runs from now on; what concerns rows is left
//! to a walk.

use std::sync::Arc;

use causeway_model::explain::{Closure, Side};
use causeway_model::ports::ForceStart;
use causeway_model::settings::{ANY, Change, Operation};
use causeway_model::{FileId, FileState, JobId, Settings};

use crate::control::{Answer, Reply};
use crate::dispatcher::{Dispatcher, Effect};
use crate::introduced::Pair;
use crate::scheduler::{ActivityShares, Limits, Shares};
use crate::walk::{Campaign, Walk};

impl Dispatcher {
    /// Tells the scheduler everything that does not depend on what is queued.
    pub(crate) fn take_settings(&mut self) {
        self.tell_limits();
        self.watch_bans();
        let settings = self.settings.clone();
        for row in settings.storages() {
            self.tell_storage(&row.storage);
        }
        for row in settings.activity_shares() {
            self.tell_activities(&row.vo);
        }
        self.tell_closure();
    }

    /// Settings changed. The answer is given when every row obeys.
    pub(crate) fn apply_settings(
        &mut self,
        settings: Settings,
        changes: &[Change],
        answer: Answer<Vec<JobId>>,
    ) {
        self.settings = settings;
        self.watch_bans();
        let mut campaign = Campaign {
            answer: Some(answer),
            ..Campaign::default()
        };
        let mut links_changed = false;
        for change in changes {
            links_changed |= is_about_links(change);
            self.take_change(change);
            campaign.walks.extend(self.walk_for(change));
        }
        if links_changed {
            self.tell_links_again();
        }
        self.campaigns.push_back(campaign);
    }

    /// What must be told to others at once.
    fn take_change(&mut self, change: &Change) {
        match change {
            Change::PutStorage(row) => self.storage_changed(&row.storage),
            Change::DeleteStorage(se) => {
                self.storage_changed(se);
                self.make_room_at(se);
            }
            Change::PutActivityShare(row) => self.tell_activities(&row.vo),
            Change::DeleteActivityShare(vo) => self.tell_activities(vo),
            Change::PutOperationLimit(row) => {
                let corner = (Arc::clone(&row.vo_name), Arc::clone(&row.host));
                match row.operation {
                    Operation::Staging => self.staging.room_at(&corner),
                    Operation::Delete => self.deletions.room_at(&corner),
                }
            }
            Change::PutHost(_) | Change::DeleteHost(_) => self.tell_closure(),
            _ => {}
        }
    }

    /// The walk that lets rows obey a change.
    fn walk_for(&self, change: &Change) -> Option<Walk> {
        match change {
            Change::BanStorage(row) => Some(self.walk_through(&row.se)),
            Change::UnbanStorage(se) => Some(self.walk_through(se)),
            Change::BanUser(row) => Some(Walk::User(Arc::clone(&row.dn), None)),
            Change::PutVo(_) | Change::DeleteVo(_) => Some(Walk::QueueTimes(None)),
            _ => None,
        }
    }

    fn walk_through(&self, storage: &str) -> Walk {
        Walk::Storage(self.board.index.lanes_of(storage), None)
    }

    /// Something is about to be queued on a link: the scheduler learns what is set for it.
    pub(crate) fn introduce_link(&mut self, source: &Arc<str>, destination: &Arc<str>) {
        let pair = (Arc::clone(source), Arc::clone(destination));
        if self.introduced.contains(&pair) {
            return;
        }
        self.part_with_idle_links();
        self.tell_link(source, destination);
        for storage in [source, destination] {
            self.tell_storage(storage);
        }
        self.introduced.insert(pair);
    }

    /// Lets the scheduler forget what it was told of links that nothing needs any more.
    fn part_with_idle_links(&mut self) {
        let (scheduler, tuning) = (&self.scheduler, &self.tuning);
        let is_used = |link: &Pair| {
            scheduler.queued_on(&link.0, &link.1) > 0
                || scheduler.active_on(&link.0, &link.1) > 0
                || tuning.window(link).is_some()
        };
        let (links, storages) = self.introduced.prune(is_used);
        for (source, destination) in links {
            self.scheduler
                .set_shares(&source, &destination, Shares::default());
            self.scheduler.set_link_limit(&source, &destination, None);
        }
        for storage in storages {
            // What is set for it alone was told at the start and stays.
            if self.settings.storage(&storage).is_none() {
                for side in [Side::Inbound, Side::Outbound] {
                    self.scheduler.set_throughput_limit(&storage, side, None);
                }
            }
        }
    }

    fn tell_links_again(&mut self) {
        self.tell_limits();
        for (source, destination) in self.introduced.all() {
            self.tell_link(&source, &destination);
        }
        self.tune_again();
    }

    fn tell_link(&mut self, source: &Arc<str>, destination: &Arc<str>) {
        let shares = self.settings.shares(source, destination);
        let rows = shares.into_iter().flatten();
        let shares = Shares::new(rows.map(|(vo, weight)| (Arc::clone(vo), *weight)));
        self.scheduler.set_shares(source, destination, shares);
        let row = self.settings.link(source, destination);
        let own = row.filter(|it| &*it.source_se != ANY || &*it.dest_se != ANY);
        let limit = own.map(|it| it.max_active);
        if !self.tuning.decides() {
            self.scheduler.set_link_limit(source, destination, limit);
        }
    }

    /// Limits for what has none of its own.
    fn tell_limits(&mut self) {
        let general = self.settings.link(ANY, ANY);
        let link = general.map_or(self.config.link_max_active, |it| it.max_active);
        self.scheduler.set_limits(Limits {
            total: self.config.slots(),
            link,
            inbound: self.settings.inbound_limit(ANY),
            outbound: self.settings.outbound_limit(ANY),
        });
    }

    fn storage_changed(&mut self, se: &Arc<str>) {
        self.tune_again();
        if &**se != ANY {
            self.tell_storage(se);
            return;
        }
        self.tell_limits();
        for (source, destination) in self.introduced.all() {
            self.tell_storage(&source);
            self.tell_storage(&destination);
        }
    }

    fn tell_storage(&mut self, se: &Arc<str>) {
        if &**se == ANY {
            return;
        }
        let row = self.settings.storage(se);
        let inbound = row.and_then(|it| it.inbound_max_active);
        let outbound = row.and_then(|it| it.outbound_max_active);
        let throughputs = [
            (Side::Inbound, self.settings.inbound_throughput(se)),
            (Side::Outbound, self.settings.outbound_throughput(se)),
        ];
        self.scheduler.set_storage_limits(se, inbound, outbound);
        for (side, limit) in throughputs {
            self.scheduler.set_throughput_limit(se, side, limit);
        }
    }

    fn tell_activities(&mut self, vo: &Arc<str>) {
        let row = self.settings.activity_share(vo).filter(|it| it.active);
        let shares = row.map(|it| {
            let rows = it.shares.iter();
            ActivityShares::new(rows.map(|(name, weight)| (name.as_str(), *weight)))
        });
        self.scheduler.set_activity_shares(vo, shares);
    }

    fn make_room_at(&mut self, se: &Arc<str>) {
        // Whoever waits for a limit of this storage has a row there, so its VO is in a lane.
        for lane in self.board.index.lanes_of(se) {
            self.staging.room_at(&(lane.vo, Arc::clone(se)));
        }
        self.deletions.room_everywhere();
    }

    /// Why nothing starts, if nothing does.
    pub(crate) fn closure(&self) -> Option<Closure> {
        match () {
            () if self.settings.is_drained(&self.host) => Some(Closure::Drained),
            () if self.low_memory => Some(Closure::LowMemory),
            () => None,
        }
    }

    pub(crate) fn tell_closure(&mut self) {
        let closure = self.closure();
        self.scheduler.set_closed(closure);
    }

    /// Lets transfers start ahead of all limits.
    pub(crate) fn force_start(&mut self, files: &[FileId], answer: Answer<Vec<ForceStart>>) {
        let outcome = files.iter().map(|file| self.force(*file)).collect();
        let reply = Reply::Forced(answer, outcome);
        self.effects.push(Effect::Answer(reply));
    }

    fn force(&mut self, file: FileId) -> ForceStart {
        let Some(state) = self.board.file(file).map(|it| it.row.state) else {
            return ForceStart::Unknown;
        };
        if state != FileState::Submitted {
            return ForceStart::NotQueued(state);
        }
        self.withdraw(file);
        self.board.move_file(file, FileState::ForceStart, |row| {
            row.retry_timestamp = None;
        });
        self.line_up(file);
        ForceStart::Forced
    }
}

fn is_about_links(change: &Change) -> bool {
    matches!(
        change,
        Change::PutLink(_)
            | Change::DeleteLink(_)
            | Change::PutShare(_)
            | Change::DeleteShare { .. }
    )
}

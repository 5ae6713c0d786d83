//! Asking storages about tape copies, when the time of files has come.

use std::time::Duration;

use causeway_model::{FileId, Transfer};
use tokio::time::Instant;

use super::{GUARD_MILLIS, GroupId, News, QUESTIONS_AT_ONCE};
use crate::alarm::Alarm;
use crate::dispatcher::{Dispatcher, Notice, Stage};
use crate::staging::caller::Errand;

impl Dispatcher {
    pub(super) fn question_interval(&self) -> Duration {
        Duration::from_secs(self.config.archive_poll_interval_seconds.max(1))
    }

    pub(super) fn set_question_alarm(&mut self, id: GroupId) {
        let interval = self.question_interval();
        let Some(group) = self.archiving.groups.get_mut(&id) else {
            return;
        };
        let now = Instant::now();
        // With as many questions as may be, the next answer comes first.
        let may_ask = group.asking < QUESTIONS_AT_ONCE;
        let first = group.due.first().filter(|_| may_ask).map(|it| it.0);
        let guard = (!group.asked.is_empty()).then(|| now + interval);
        let Some(due) = [first, guard].into_iter().flatten().min() else {
            return;
        };
        if group.alarm.is_some_and(|it| it <= due) {
            return;
        }
        group.alarm = Some(due);
        let wait = due.saturating_duration_since(now);
        self.set_alarm(wait, Alarm::AskAboutTape(id));
    }

    /// It is time to ask about files of a group.
    pub(crate) fn ask_about_tape(&mut self, id: GroupId) {
        // An engine that stops leaves questions to the next.
        if !matches!(self.stage, Stage::Open) {
            return;
        }
        if let Some(group) = self.archiving.groups.get_mut(&id) {
            group.alarm = None;
        }
        self.guard(id);
        let most = self.config.archive_poll_bulk_size.max(1);
        loop {
            let files = self.archiving.due(id, Instant::now(), most);
            let Some(first) = files.first().and_then(|it| self.archiving.files.get(it)) else {
                break;
            };
            let most = self.staging.caller.bulk(&first.url, most);
            self.ask_for_tape(id, files.into_iter().take(most).collect());
        }
        self.set_question_alarm(id);
    }

    fn ask_for_tape(&mut self, id: GroupId, files: Vec<FileId>) {
        let asked = self.now;
        let mut urls = Vec::with_capacity(files.len());
        for file in &files {
            self.archiving.set_due(*file, None);
            if let Some(waiting) = self.archiving.files.get(file) {
                urls.push(waiting.url.clone());
            }
            let begun = self.board.file(*file);
            if begun.is_some_and(|it| it.row.archive_start_time.is_none()) {
                let begin = |row: &mut Transfer| {
                    row.archive_start_time = Some(asked);
                };
                self.board.change_file(*file, begin);
            }
        }
        urls.sort();
        urls.dedup();
        let Some(group) = self.archiving.groups.get_mut(&id) else {
            return;
        };
        group.asking += 1;
        let errand = Errand {
            id: files
                .first()
                .map_or_else(String::new, |it| format!("archiving.{it}")),
            owner: group.key.owner.clone(),
            space_token: group.key.space_token.clone(),
        };
        let news = move |answer| {
            Notice::Archiving(News {
                group: id,
                files,
                asked,
                answer,
            })
        };
        self.staging.caller.poll_archived(errand, urls, news);
    }

    /// Fails files whose question is not answered long after their time.
    fn guard(&mut self, id: GroupId) {
        let Some(group) = self.archiving.groups.get(&id) else {
            return;
        };
        let hopeless = |file: &&FileId| {
            let end = self.end_of_wait(**file);
            end.is_some_and(|end| self.now > end.plus_millis(GUARD_MILLIS))
        };
        let late: Vec<FileId> = group.asked.iter().filter(hopeless).copied().collect();
        for file in late {
            self.tape_timed_out(file);
        }
    }
}

//! What is known of a worker process that ended, and what users read about it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;

use causeway_model::{Fault, Phase, Scope};
use serde::{Deserialize, Serialize};

use crate::attempt::EINTR;

/// How an attempt lost its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// How the worker ended: `signal 11 (SIGSEGV)`.
    pub how: String,
    /// What the attempt had to do with it.
    pub part: Part,
}

/// What somebody had to do with the end of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The plugin that ended it is known, and it is none that this one uses.
    Bystander,
    /// Nobody knows which plugin ended it.
    Unknown,
    /// This one uses the plugin that ended it.
    Suspect,
}

impl Part {
    /// The part of somebody who uses these plugins.
    pub(super) fn of(plugins: &[Arc<str>], culprits: &[String]) -> Self {
        let used = |name: &String| plugins.iter().any(|it| **it == **name);
        match culprits {
            [] => Self::Unknown,
            some if some.iter().any(used) => Self::Suspect,
            _ => Self::Bystander,
        }
    }
}

impl Loss {
    /// What the user reads.
    pub(crate) fn fault(&self) -> Fault {
        let text = format!("Transfer process died with: {}", self.how);
        Fault::new(Scope::General, Phase::Service, EINTR, text)
    }
}

/// Why the server ended a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sentence {
    /// It gave no sign of life for so many seconds.
    Silent(u64),
    /// It took more memory than it may.
    Memory,
}

/// The end of a process in words.
pub(super) fn describe(
    status: Option<ExitStatus>,
    sentence: Option<Sentence>,
    last_words: &LastWords,
) -> String {
    match (sentence, last_words.stuck_seconds) {
        (Some(Sentence::Memory), _) => return "out of memory limit".to_owned(),
        (Some(Sentence::Silent(seconds)), _) | (None, Some(seconds)) => {
            return format!("no answer for {seconds} s");
        }
        (None, None) => {}
    }
    status.map_or_else(|| "unknown end".to_owned(), end_in_words)
}

/// The end of a process in words, from its status alone: `signal 11 (SIGSEGV)`, `exit code 0`.
pub fn end_in_words(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match name_of(signal) {
            Some(name) => format!("signal {signal} ({name})"),
            None => format!("signal {signal}"),
        },
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "unknown end".to_owned(),
    }
}

fn name_of(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// What a process left on its last pipe: the plugins that were at work when it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LastWords {
    /// Plugins, each once.
    pub(super) culprits: Vec<String>,
    /// It ended itself because a plugin did not come back for so long.
    pub(super) stuck_seconds: Option<u64>,
}

impl LastWords {
    /// Understands lines of `in <plugin>` and `stuck <seconds>`. Anything else is not ours: it
    /// may have been written by a plugin in its agony.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut words = Self::default();
        for line in text.lines() {
            if let Some(plugin) = line.strip_prefix("in ")
                && !plugin.is_empty()
                && !words.culprits.iter().any(|it| it == plugin)
            {
                words.culprits.push(plugin.to_owned());
            } else if let Some(seconds) = line.strip_prefix("stuck ") {
                words.stuck_seconds = seconds.parse().ok();
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_in_words() {
        let none = LastWords::default();
        let says = |raw, sentence, words: &LastWords| {
            describe(Some(ExitStatus::from_raw(raw)), sentence, words)
        };
        assert_eq!(says(11, None, &none), "signal 11 (SIGSEGV)");
        assert_eq!(says(40, None, &none), "signal 40");
        assert_eq!(says(3 << 8, None, &none), "exit code 3");
        assert_eq!(
            says(9, Some(Sentence::Memory), &none),
            "out of memory limit"
        );
        assert_eq!(
            says(9, Some(Sentence::Silent(30)), &none),
            "no answer for 30 s"
        );
        let stuck = LastWords::read(b"stuck 7\nin bad\n");
        assert_eq!(says(9, None, &stuck), "no answer for 7 s");
        assert_eq!(describe(None, None, &none), "unknown end");
    }

    #[test]
    fn last_words_of_a_process_in_disorder() {
        let words = LastWords::read(b"in one\n\xff\xfe\nin two\nin one\nin \nhello\n");
        assert_eq!(words.culprits, ["one", "two"]);
        assert_eq!(words.stuck_seconds, None);
    }

    #[test]
    fn who_had_to_do_with_it() {
        let (http, mock) = (Arc::from("http"), Arc::from("mock"));
        let of = |culprits: &[&str]| {
            let culprits: Vec<_> = culprits.iter().map(|it| (*it).to_owned()).collect();
            Part::of(&[Arc::clone(&http), Arc::clone(&mock)], &culprits)
        };
        assert_eq!(of(&[]), Part::Unknown);
        assert_eq!(of(&["file"]), Part::Bystander);
        assert_eq!(of(&["file", "mock"]), Part::Suspect);
        assert_eq!(Part::of(&[], &["file".to_owned()]), Part::Bystander);
    }

    #[test]
    fn the_text_that_users_know() {
        let loss = Loss {
            how: "signal 11 (SIGSEGV)".into(),
            part: Part::Unknown,
        };
        let fault = loss.fault();
        assert_eq!(
            fault.to_string(),
            "GENERAL_FAILURE [4] Transfer process died with: signal 11 (SIGSEGV)"
        );
        assert!(fault.is_recoverable());
    }
}

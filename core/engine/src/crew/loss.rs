//! What is known of a worker process that ended, and what users read about it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use causeway_model::{Fault, Phase, Scope};
use serde::{Deserialize, Serialize};

use crate::attempt::EINTR;

/// How an attempt lost its worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// How the worker ended: `signal 11 (SIGSEGV)`.
    pub how: String,
    /// The plugin that ended it is known, and it is none that this attempt uses.
    pub innocent: bool,
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
    let Some(status) = status else {
        return "unknown end".to_owned();
    };
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
    fn the_text_that_users_know() {
        let loss = Loss {
            how: "signal 11 (SIGSEGV)".into(),
            innocent: false,
        };
        let fault = loss.fault();
        assert_eq!(
            fault.to_string(),
            "GENERAL_FAILURE [4] Transfer process died with: signal 11 (SIGSEGV)"
        );
        assert!(fault.is_recoverable());
    }
}

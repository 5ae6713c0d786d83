//! What a suite found, for people and for scripts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How one case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The promise is kept.
    Passed,
    /// It is not.
    Failed,
    /// It does not apply; the reason says which capability is missing.
    Skipped,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Stable name, `<operation>/<promise>`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed or was skipped; empty when it passed.
    pub reason: String,
}

/// All cases of one run. Its JSON is what `causeway plugins check --json` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Name of the plugin, from its capabilities.
    pub plugin: String,
    /// The cases, in the order they ran.
    pub cases: Vec<Case>,
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were skipped.
    pub skipped: usize,
}

impl Report {
    pub(crate) fn new(plugin: String) -> Self {
        Self {
            plugin,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, case: Case) {
        match case.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Skipped => self.skipped += 1,
        }
        self.cases.push(case);
    }

    /// True when nothing failed and something ran.
    pub fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// The case of that name.
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|it| it.name == name)
    }

    /// Prints the table and panics if a case failed, or if none ran.
    ///
    /// # Panics
    /// When the storage does not keep its promises; that is what it is for, in a test.
    #[track_caller]
    pub fn assert(&self) {
        println!("{self}");
        assert!(self.is_good(), "storage {} failed:\n{self}", self.plugin);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.cases.iter().map(|it| it.name.len()).max().unwrap_or(0);
        for case in &self.cases {
            let mark = match case.outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "skipped",
            };
            let line = format!("{mark:<8}{:<width$}  {}", case.name, case.reason);
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(
            f,
            "{}: {} passed, {} failed, {} skipped",
            self.plugin, self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_that_scripts_read() {
        let mut report = Report::new("x".into());
        report.add(Case {
            name: "stat/missing".into(),
            outcome: Outcome::Skipped,
            reason: "no stat".into(),
        });
        let json = serde_json::to_value(&report).unwrap();
        let expected = serde_json::json!({
            "plugin": "x",
            "cases": [{"name": "stat/missing", "outcome": "skipped", "reason": "no stat"}],
            "passed": 0, "failed": 0, "skipped": 1
        });
        assert_eq!(json, expected);
        assert!(!report.is_good(), "a run in which nothing ran is not good");
    }
}

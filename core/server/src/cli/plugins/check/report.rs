//! What a check tells: people, scripts, and whatever collects results of tests.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use causeway_testkit::{Case, Outcome, Report};
use quick_xml::escape::escape;

use crate::cli::output;

/// Prints the report, and writes it into a file as well when one is named.
///
/// # Errors
/// When it cannot be written.
pub(super) fn tell(report: &Report, json: bool, junit: Option<&Path>) -> anyhow::Result<()> {
    if let Some(file) = junit {
        std::fs::write(file, as_junit(report))
            .with_context(|| format!("write {}", file.display()))?;
    }
    if json {
        return output::print_json(report);
    }
    println!("{report}");
    Ok(())
}

fn as_junit(report: &Report) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
        escape(&report.plugin),
        report.cases.len(),
        report.failed,
        report.skipped
    );
    for case in &report.cases {
        text.push_str(&case_as_junit(case));
    }
    text.push_str("</testsuite>\n");
    text
}

fn case_as_junit(case: &Case) -> String {
    let (class, name) = case.name.split_once('/').unwrap_or(("suite", &case.name));
    let mut line = format!(
        "  <testcase classname=\"{}\" name=\"{}\"",
        escape(class),
        escape(name)
    );
    let reason = escape(&case.reason);
    // Writing to a text does not fail.
    let written = match case.outcome {
        Outcome::Passed => writeln!(line, "/>"),
        Outcome::Failed => writeln!(line, "><failure message=\"{reason}\"/></testcase>"),
        Outcome::Skipped => writeln!(line, "><skipped message=\"{reason}\"/></testcase>"),
    };
    debug_assert!(written.is_ok());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_for_collectors() {
        let case = |name: &str, outcome, reason: &str| Case {
            name: name.into(),
            outcome,
            reason: reason.into(),
        };
        let report = Report {
            plugin: "a<b".into(),
            cases: vec![
                case("stat/file", Outcome::Passed, ""),
                case("read/whole", Outcome::Failed, "\"x\" & y"),
                case("space/known", Outcome::Skipped, "needs space"),
            ],
            passed: 1,
            failed: 1,
            skipped: 1,
        };
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <testsuite name=\"a&lt;b\" tests=\"3\" failures=\"1\" skipped=\"1\">\n\
            \x20 <testcase classname=\"stat\" name=\"file\"/>\n\
            \x20 <testcase classname=\"read\" name=\"whole\"><failure message=\"&quot;x&quot; &amp; y\"/></testcase>\n\
            \x20 <testcase classname=\"space\" name=\"known\"><skipped message=\"needs space\"/></testcase>\n\
            </testsuite>\n";
        assert_eq!(as_junit(&report), expected);
    }
}

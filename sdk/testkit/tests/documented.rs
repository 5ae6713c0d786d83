//! The pages of the contract against the code: every operation and every kind of error has its place there,
//! and each page names the cases that check it.

use std::path::Path;

use causeway_sdk::{Erased, Error, ErrorKind, Host, Operation, Retry, Storage};
use causeway_testkit::{MemoryStorage, Suite};

/// Name and text of every page.
fn pages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/contract");
    let page = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(page).collect()
}

fn page(name: &str) -> String {
    let mut pages = pages().into_iter();
    pages.find(|(it, _)| it == name).unwrap().1
}

/// Cases as a page names them, `stat/*` for several.
fn checked_by(text: &str) -> Vec<String> {
    let (_, cases) = text.rsplit_once("Checked").unwrap();
    let quoted = cases.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

fn is_meant(case: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => case.starts_with(begin),
        None => case == pattern,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_named_by_a_page_and_every_named_case_is_there() {
    let storage = MemoryStorage::create("", Host::silent()).unwrap();
    let suite = Suite::new(Erased::shared(storage), "memory://test/");
    let report = suite.run().await;
    let cases: Vec<&str> = report.cases.iter().map(|it| it.name.as_str()).collect();
    let mut patterns = Vec::new();
    for (name, text) in pages() {
        let named = checked_by(&text);
        assert!(!named.is_empty(), "{name} names no case");
        for pattern in &named {
            let there = cases.iter().any(|case| is_meant(case, pattern));
            assert!(there, "{name} names {pattern}, which is no case");
        }
        patterns.extend(named);
    }
    let unnamed = |case: &&&str| !patterns.iter().any(|it| is_meant(case, it));
    let unnamed: Vec<_> = cases.iter().filter(unnamed).collect();
    assert!(unnamed.is_empty(), "no page names {unnamed:?}");
}

#[test]
fn every_operation_is_on_a_page() {
    let text = page("capabilities.md");
    let row = text.lines().find(|it| it.starts_with("| `operations`"));
    for operation in Operation::ALL {
        let name = format!("`{}`", operation.name());
        assert!(row.unwrap().contains(&name), "{name} is missing");
    }
}

/// `NotFound` as `not-found`.
fn with_dashes(kind: ErrorKind) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[test]
fn every_kind_of_error_is_on_its_page_with_its_number_and_advice() {
    let text = page("errors.md");
    let rows = text.lines().filter(|it| it.starts_with("| `"));
    assert_eq!(rows.count(), ErrorKind::ALL.len());
    for kind in ErrorKind::ALL {
        let begin = format!("| `{}` | {} |", with_dashes(kind), kind.errno());
        let row = text.lines().find(|it| it.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("no row begins with {begin}"));
        let again = Error::new(kind, "try").retry() != Retry::Never;
        let advice = if again { "| yes |" } else { "| no |" };
        assert!(row.ends_with(advice), "{row}");
    }
}

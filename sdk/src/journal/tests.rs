//! Who is given what, what is told to the log, and what is forgotten with time.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

use tempfile::TempDir;

use super::look::KEPT;
use super::*;
use crate::ErrorKind;

type Lines = Arc<Mutex<Vec<String>>>;

/// A host, and what it is told.
fn host() -> (Host, Lines) {
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let host = Host::new(move |_, text| kept.lock().unwrap().push(text.to_owned()));
    (host, lines)
}

fn open(dir: &TempDir) -> Journal<String> {
    Journal::new(Some(dir.path().join("journal")), &Host::silent())
}

async fn note(dir: &TempDir, what: &str) -> Entry {
    open(dir).note(&what.to_owned()).await.unwrap().unwrap()
}

fn names(dir: &TempDir) -> usize {
    fs::read_dir(dir.path().join("journal")).unwrap().count()
}

async fn take_one(journal: &Journal<String>, fits: impl Fn(&str) -> bool + Sync) -> Option<String> {
    journal.look().await;
    let taken = journal.take(Instant::now(), &|it: &String| fits(it)).await;
    Some(taken?.0)
}

/// Removes nothing, and keeps in mind what it was asked to.
async fn sweep(journal: &Journal<String>, fits: impl Fn(&String) -> bool + Sync) -> Vec<String> {
    let asked = Mutex::new(Vec::new());
    let remove = async |what| {
        asked.lock().unwrap().push(what);
        Ok(())
    };
    journal.sweep(fits, remove).await;
    asked.into_inner().unwrap()
}

fn later(journal: &Journal<String>) {
    journal.seen().looked = None;
}

fn make_old(path: &Path) {
    let past = SystemTime::now() - KEPT - Duration::from_secs(1);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(past).unwrap();
}

#[tokio::test]
async fn only_what_nobody_is_responsible_for_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let living = note(&dir, "living").await;
    drop(note(&dir, "left").await);
    drop(note(&dir, "elsewhere").await);
    note(&dir, "gone").await.forget().await;
    let journal = open(&dir);
    assert!(journal.may_fit(|_| false), "nobody has looked");
    journal.look().await;
    let is_left = |it: &String| it == "left";
    let (what, entry) = journal.take(Instant::now(), &is_left).await.unwrap();
    assert_eq!(what, "left");
    // Another life at the same time finds what is left to be taken.
    assert_eq!(sweep(&open(&dir), |_| true).await, ["elsewhere"]);
    drop(entry);
    assert_eq!(sweep(&open(&dir), |_| true).await, ["left"]);
    // A process may have ended since.
    drop(note(&dir, "late").await);
    assert!(sweep(&journal, |it| it == "late").await.is_empty());
    later(&journal);
    assert!(journal.may_fit(|_| true));
    assert_eq!(sweep(&journal, |_| true).await, ["late"]);
    assert_eq!(names(&dir), 1);
    living.forget().await;
    assert_eq!(names(&dir), 0);
}

#[tokio::test]
async fn a_sweep_holds_one_record_at_a_time_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..40 {
        drop(note(&dir, &number.to_string()).await);
    }
    let (host, lines) = host();
    let journal = Journal::<String>::new(Some(dir.path().join("journal")), &host);
    let tried = Mutex::new(0);
    let held = || {
        let all = fs::read_dir(dir.path().join("journal")).unwrap();
        let all = all.map(|it| File::open(it.unwrap().path()).unwrap());
        all.filter(|it| it.try_lock().is_err()).count()
    };
    let remove = async |what: String| {
        *tried.lock().unwrap() += 1;
        assert_eq!(held(), 1);
        match what.as_str() {
            "7" => Err(Error::new(ErrorKind::Denied, "not allowed")),
            _ => Ok(()),
        }
    };
    journal.sweep(|_| true, remove).await;
    assert_eq!((*tried.lock().unwrap(), names(&dir), held()), (40, 1, 0));
    let lines = lines.lock().unwrap();
    let about = |it: &str| lines.iter().filter(|line| line.contains(it)).count();
    assert_eq!(about("removed what an earlier life left: "), 39);
    let failed = "failed to remove what an earlier life left: 7: not allowed";
    assert_eq!(about(failed), 1, "{lines:?}");
    assert!(!journal.may_fit(|_| true), "not at once");
}

#[tokio::test]
async fn what_was_given_back_is_not_found_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(note(&dir, "left").await);
    let journal = open(&dir);
    let remove = async |_| Err(Error::new(ErrorKind::Denied, "not allowed"));
    // A look that began before it was given back, and ends after.
    let known = HashSet::new();
    journal.sweep(|_| true, remove).await;
    let look = Look::inside(&dir.path().join("journal"), &known, &journal.host).unwrap();
    assert_eq!(look.found.len(), 1);
    assert!(journal.seen().learn(look, &known).is_empty());
    assert_eq!(journal.seen().found.len(), 1);
    later(&journal);
    assert!(sweep(&journal, |_| true).await.is_empty(), "not at once");
}

#[tokio::test]
async fn when_enough_sweep_already_nobody_begins() {
    let dir = tempfile::tempdir().unwrap();
    drop(note(&dir, "left").await);
    let journal = open(&dir);
    let turns = journal.turns.try_acquire_many(SWEEPS as u32).unwrap();
    assert!(!journal.may_fit(|_| true));
    assert!(sweep(&journal, |_| true).await.is_empty());
    drop(turns);
    assert_eq!(sweep(&journal, |_| true).await, ["left"]);
}

#[tokio::test]
async fn without_a_directory_nothing_is_written_down() {
    let journal = Journal::<String>::new(None, &Host::silent());
    assert!(journal.note_or_warn(&"x".to_owned()).await.is_none());
    assert!(!journal.may_fit(|_| true) && sweep(&journal, |_| true).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_written_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("journal"), "").unwrap();
    let (host, lines) = host();
    let journal = Journal::<String>::new(Some(dir.path().join("journal")), &host);
    assert!(journal.note_or_warn(&"this".to_owned()).await.is_none());
    for _ in 0..2 {
        later(&journal);
        assert!(sweep(&journal, |_| true).await.is_empty());
    }
    let lines = lines.lock().unwrap();
    let [noting, reading] = lines.as_slice() else {
        panic!("each is told of once: {lines:?}");
    };
    assert!(noting.starts_with("failed to write down this: "));
    assert!(reading.starts_with("failed to read the record"));
}

#[tokio::test]
async fn what_is_old_garbled_or_closed_to_us_is_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, text) in [("old.json", "\"x\""), ("odd.json", "{"), ("1.new", "\"x\"")] {
        fs::write(at(name), text).unwrap();
    }
    // Nobody can open it, whoever runs this.
    symlink("closed.json", at("closed.json")).unwrap();
    make_old(&at("old.json"));
    let (host, lines) = host();
    let journal = Journal::<String>::new(Some(dir.path().to_owned()), &host);
    for _ in 0..3 {
        later(&journal);
        assert!(sweep(&journal, |_| true).await.is_empty());
    }
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 2, "each is told of once: {lines:?}");
    for name in ["odd.json", "closed.json"] {
        assert!(lines.iter().any(|it| it.contains(name)), "{lines:?}");
    }
    assert!(!at("old.json").exists() && at("odd.json").exists() && at("1.new").exists());
}

#[tokio::test]
async fn what_is_gone_or_has_become_old_is_known_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["goes.json", "ages.json", "stays.json"] {
        fs::write(at(name), format!("{name:?}")).unwrap();
    }
    for name in ["goes-odd.json", "ages-odd.json", "stays-odd.json"] {
        fs::write(at(name), "{").unwrap();
    }
    let journal = Journal::<String>::new(Some(dir.path().to_owned()), &Host::silent());
    assert_eq!(take_one(&journal, |_| false).await, None);
    let known = || {
        let seen = journal.seen();
        (seen.found.len(), seen.odd.len())
    };
    assert_eq!(known(), (3, 3));
    for kind in ["", "-odd"] {
        fs::remove_file(at(&format!("goes{kind}.json"))).unwrap();
        make_old(&at(&format!("ages{kind}.json")));
    }
    later(&journal);
    journal.look().await;
    assert_eq!(known(), (1, 1));
    assert_eq!(
        take_one(&journal, |_| true).await.as_deref(),
        Some("stays.json")
    );
    assert!(!at("ages.json").exists() && !at("ages-odd.json").exists());
}

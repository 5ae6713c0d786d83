//! Names with everything in them that breaks careless code.

use causeway_sdk::{ErrorKind, Operation};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, failed};

cases! {
    "names/written-and-read" [Need::Can(Operation::Write), Need::Kept] written_and_read;
    "names/listed" [Need::Kept, Need::Can(Operation::List)] listed;
}

fn names() -> Vec<String> {
    let plain = [
        "with space",
        "100%",
        "%41",
        "a+b&c=d",
        "semi;colon,comma",
        "quote'd \"twice\"",
        "gr\u{fc}\u{df}e-\u{65e5}\u{672c}-\u{1f30a}",
        "#hash",
        "question?",
        "[brackets]{braces}",
        "back\\slash",
        "-dash",
        "trailing.",
        "~tilde",
        "dots..in",
    ];
    let long = ["x".repeat(200), format!("{}-end", "\u{e4}".repeat(90))];
    plain.into_iter().map(str::to_owned).chain(long).collect()
}

async fn written_and_read(probe: &Probe) -> Verdict {
    for (seed, name) in names().into_iter().enumerate() {
        let (at, content) = (probe.named(&name), payload(seed as u64, 50 + seed));
        let options = probe.write_options(content.len());
        match probe.put_with(&at, &content, options).await {
            Ok(_) => {}
            // A storage may refuse a name, if it says so.
            Err(error) if error.kind() == ErrorKind::Invalid => continue,
            Err(error) => return failed(format!("write {name:?}: {error:?}")),
        }
        probe
            .expect_content(&at, &content, &format!("read {name:?}"))
            .await?;
    }
    Ok(())
}

async fn listed(probe: &Probe) -> Verdict {
    let home = probe.fresh();
    if probe.can.can(Operation::Mkdir) {
        let made = probe.storage.mkdir(&probe.cx(), &home, true).await;
        made.or_fail("make a directory")?;
    }
    let mut expected = Vec::new();
    for name in names() {
        let at = crate::probe::below(&home, &name);
        let options = probe.write_options(1);
        if probe.put_with(&at, &payload(1, 1), options).await.is_ok() {
            expected.push(name);
        }
    }
    let entries = probe.list(&home, 0).await.or_fail("list a directory")?;
    let mut found: Vec<String> = entries.into_iter().map(|it| it.name).collect();
    found.sort_unstable();
    expected.sort_unstable();
    ensure!(
        found == expected,
        "listed {found:?}, there are {expected:?}"
    );
    Ok(())
}

//! Listings as servers write them, scripted line by line.

mod support;

use causeway_sdk::{Entry, EntryKind, ErrorKind, Page, Result, Storage};
use support::double::{Act, Double, say};
use support::*;

const PLAIN: &str = r#"{"tls":"never"}"#;

/// A server without MLSD that answers LIST so.
async fn columns(with_option: &'static str, without: &'static str) -> Double {
    let data = |text: &str, end: &str| {
        let mut acts = say("150 here it comes");
        acts.extend([Act::Send(text.as_bytes().to_vec()), Act::CloseData]);
        acts.extend(say(end));
        acts
    };
    Double::start(move |command, _| match command {
        "FEAT" => Some(say("500 what?")),
        "LIST -a" if with_option == "refused" => Some(say("501 no options")),
        "LIST -a" => Some(data(with_option, "226 done")),
        "LIST" => Some(data(without, "226 done")),
        _ => None,
    })
    .await
}

async fn list(server: &Double) -> Result<Vec<Entry>> {
    let storage = storage(PLAIN);
    let page = storage
        .list(&anonymous(), &server.url("/dir"), Page::default())
        .await?;
    assert_eq!(page.next, None);
    Ok(page.entries)
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|it| it.name.as_str()).collect()
}

#[tokio::test]
async fn of_unix() {
    let server = columns(
        "total 8\r\n\
         drwxr-xr-x 2 a b 4096 Nov 22 18:27 .\r\n\
         drwxr-xr-x 2 a b 4096 Nov 22 18:27 ..\r\n\
         -rw-r--r-- 1 a b   77 Nov 22 18:27 .hidden\r\n\
         -rw-r--r-- 1 a b   77 Nov 22 18:27 .causeway-0123456789abcdef.part\r\n\
         -rw-r--r-- 1 a b   77 Nov 22  2020 two words\r\n\
         lrwxrwxrwx 1 a b    3 Nov 22 18:27 link -> two words\r\n",
        "",
    )
    .await;
    let found = list(&server).await.unwrap();
    assert_eq!(names(&found), [".hidden", "two words", "link"]);
    assert_eq!(found[1].stat.size, Some(77));
    assert_eq!(found[2].stat.kind, EntryKind::Symlink);
    assert_eq!(server.seen("CWD"), ["CWD /dir"]);
}

#[tokio::test]
async fn of_dos_where_an_option_is_a_name() {
    let text = "11-22-26  06:27PM       <DIR>          sub\r\n\
                11-22-26  06:27PM                   12 a b\r\n";
    for with_option in ["", "refused"] {
        let server = columns(with_option, text).await;
        let found = list(&server).await.unwrap();
        assert_eq!(names(&found), ["sub", "a b"]);
        assert!(found[0].stat.is_directory());
        assert_eq!(found[1].stat.size, Some(12));
    }
}

#[tokio::test]
async fn of_nothing() {
    let server = columns("", "").await;
    assert!(list(&server).await.unwrap().is_empty());
    let server = Double::start(|command, _| match command {
        "FEAT" => Some(say("502 no")),
        it if it.starts_with("LIST") => Some(say("550 No files found")),
        _ => None,
    })
    .await;
    assert!(list(&server).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_not_left_out() {
    let server = columns(
        "-rw-r--r-- 1 a b 77 Nov 22 18:27 x\r\nsomething else\r\n",
        "",
    )
    .await;
    let error = list(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Remote);
    assert!(error.message().contains("something else"), "{error}");
}

#[tokio::test]
async fn what_the_server_calls_incomplete_is_no_listing() {
    let server = Double::start(|command, _| {
        command.starts_with("MLSD").then(|| {
            let mut acts = say("150 here it comes");
            acts.extend([Act::Send(b"type=file; x\r\n".to_vec()), Act::CloseData]);
            acts.extend(say("451 cannot read on"));
            acts
        })
    })
    .await;
    assert_eq!(kind(list(&server).await), ErrorKind::Remote);
}

#[tokio::test]
async fn a_line_without_end_is_not_kept() {
    let server = Double::start(|command, _| {
        command.starts_with("MLSD").then(|| {
            let mut acts = say("150 here it comes");
            acts.extend([Act::Send(vec![b'x'; 32 << 20]), Act::Hang]);
            acts
        })
    })
    .await;
    assert_eq!(kind(list(&server).await), ErrorKind::Remote);
}

#[tokio::test]
async fn a_server_whose_features_lie_is_listed_plainly() {
    let server = Double::start(|command, _| match command {
        it if it.starts_with("MLSD") || it.starts_with("MLST") => Some(say("502 not really")),
        "LIST -a" => {
            let mut acts = say("150 here it comes");
            let line = b"-rw-r--r-- 1 a b 77 Nov 22 18:27 x\r\n";
            acts.extend([Act::Send(line.to_vec()), Act::CloseData]);
            acts.extend(say("226 done"));
            Some(acts)
        }
        _ => None,
    })
    .await;
    assert_eq!(names(&list(&server).await.unwrap()), ["x"]);
}

#[tokio::test]
async fn pages_read_on_where_the_last_ended_and_anew_when_that_is_gone() {
    let server = Double::start(|_, _| None).await;
    for n in 0..25 {
        server.put(&format!("/f{n:02}"), b"x");
    }
    for options in [PLAIN, r#"{"tls":"never","max_open_listings":1}"#] {
        let storage = storage(options);
        let other = server.url("/dir");
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page { cursor, limit: 10 };
            let page = storage
                .list(&anonymous(), &server.url("/"), page)
                .await
                .unwrap();
            found.extend(page.entries.into_iter().map(|it| it.name));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            if options != PLAIN {
                // Takes the only place.
                let page = Page {
                    cursor: None,
                    limit: 1,
                };
                storage.list(&anonymous(), &other, page).await.unwrap();
            }
        }
        assert_eq!(
            found,
            (0..25).map(|n| format!("f{n:02}")).collect::<Vec<_>>()
        );
    }
    // Once for the first storage, and for each page and the one between for the second.
    assert_eq!(server.count("MLSD /dir"), 2);
    assert_eq!(
        server
            .seen("MLSD /")
            .iter()
            .filter(|it| *it == "MLSD /")
            .count(),
        1 + 3
    );
}

//! Answers of real servers, and answers no server should give.

use super::*;

async fn read(text: &str) -> Result<Vec<Item>> {
    let mut source = Multistatus::new(text.as_bytes());
    let mut items = Vec::new();
    while let Some(item) = source.next().await? {
        items.push(item);
    }
    Ok(items)
}

const XROOTD: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns1="http://apache.org/dav/props/" xmlns:ns0="DAV:">
<D:response xmlns:lp1="DAV:" xmlns:lp2="http://apache.org/dav/props/" xmlns:lp3="LCGDM:">
<D:href>/</D:href>
<D:propstat><D:prop>
<lp1:getcontentlength>4096</lp1:getcontentlength>
<lp1:getlastmodified>Sun, 22 Nov 2026 03:40:23 GMT</lp1:getlastmodified>
<lp1:resourcetype><D:collection/></lp1:resourcetype>
<lp1:iscollection>1</lp1:iscollection>
</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
</D:response>
<D:response xmlns:lp1="DAV:">
<D:href>/a b&amp;c&#x21;</D:href>
<D:propstat><D:prop>
<lp1:getcontentlength>6</lp1:getcontentlength><lp1:iscollection>0</lp1:iscollection>
</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
</D:response>
</D:multistatus>
"#;

#[tokio::test]
async fn an_answer_of_xrootd() {
    let items = read(XROOTD).await.unwrap();
    assert_eq!(items.len(), 2);
    assert!(items[0].stat.is_directory());
    assert_eq!(items[0].stat.mtime, Some(1_795_318_823));
    assert_eq!(items[1].href, "/a b&c!");
    assert_eq!(items[1].stat, Stat::file(6));
}

#[tokio::test]
async fn properties_the_server_refused_do_not_count() {
    let items = read(
        r#"<multistatus xmlns="DAV:" xmlns:d="x"><response><href>/f</href>
        <propstat><prop><getcontentlength>5</getcontentlength><getetag>"e"</getetag>
        <d:Checksums>md5=sQqNsWTgdUEFt6mb5y4/5Q==,adler32=11e60398</d:Checksums>
        <d:FileLocality>NEARLINE</d:FileLocality>
        </prop><status>HTTP/1.1 200 OK</status></propstat>
        <propstat><prop><getcontentlength>99</getcontentlength><resourcetype><collection/>
        </resourcetype></prop><status>HTTP/1.1 404 Not Found</status></propstat>
        </response></multistatus>"#,
    )
    .await
    .unwrap();
    let stat = &items[0].stat;
    assert_eq!((stat.size, stat.kind), (Some(5), EntryKind::File));
    assert_eq!(stat.etag.as_deref(), Some("\"e\""));
    assert_eq!(stat.locality, Locality::Nearline);
    assert_eq!(stat.checksums.len(), 2);
}

#[tokio::test]
async fn quota_and_status_of_a_whole_entry() {
    let items = read(
        r#"<m><response><href>/</href><propstat><prop>
        <quota-available-bytes>10</quota-available-bytes><quota-used-bytes>3</quota-used-bytes>
        </prop></propstat></response>
        <response><href>/x</href><status>HTTP/1.1 403 Forbidden</status></response></m>"#,
    )
    .await
    .unwrap();
    assert_eq!(
        (items[0].quota_available, items[0].quota_used),
        (Some(10), Some(3))
    );
    assert_eq!(items[1].status, Some(403));
}

#[tokio::test]
async fn bad_documents_are_refused() {
    let deep = "<a>".repeat(100);
    let wide = format!("<m><response><href>{}", "x".repeat(2 * MAX_ENTRY));
    let bomb = r#"<!DOCTYPE m [<!ENTITY a "aaaa">]><m><response><href>&a;</href></response></m>"#;
    let entity = "<m><response><href>&a;</href></response></m>";
    for text in [&*deep, &*wide, bomb, entity, "<m></x>", "</m>"] {
        let kind = read(text).await.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Remote, "{}", &text[..text.len().min(40)]);
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_a_failure_of_the_network() {
    for end in [XROOTD.len() / 3, XROOTD.len() - 10] {
        let error = read(&XROOTD[..end]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "(<[a-zD:/!?]{0,12}>?|&[a-z#0-9]{0,5};?|response|href|\\PC){0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // Good or bad, it comes to an end.
        let _outcome = runtime.block_on(read(&text));
    }
}

//! Answers as servers write them.

use proptest::prelude::*;

use super::*;

#[test]
fn errors_are_told_from_other_documents() {
    let text = r#"<?xml version="1.0" encoding="UTF-8"?>
        <Error><Code>NoSuchKey</Code><Message>It&apos;s gone &#38; away</Message>
        <AWSAccessKeyId>AKID</AWSAccessKeyId></Error>"#;
    let found = fault(text).unwrap();
    assert_eq!(
        (&*found.code, &*found.message),
        ("NoSuchKey", "It's gone & away")
    );
    assert_eq!(
        fault("<Error><Code>SlowDown</Code><Mess").unwrap().code,
        "SlowDown"
    );
    for text in [
        "",
        "<html><Code>x</Code></html>",
        "no xml",
        "<ListBucketResult/>",
    ] {
        assert_eq!(fault(text), None, "{text}");
    }
}

#[test]
fn a_page_of_a_listing() {
    let text = r#"<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>b</Name><Prefix>d/</Prefix><IsTruncated>true</IsTruncated>
        <EncodingType>url</EncodingType><NextContinuationToken>d/x&amp;1</NextContinuationToken>
        <Contents><Key>d/a+b%20c%2B</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>
          <ETag>&quot;0123&quot;</ETag><Size>7</Size><StorageClass>GLACIER</StorageClass>
          <Owner><ID>x</ID></Owner></Contents>
        <Contents><Key>d/</Key><Size>0</Size></Contents>
        <CommonPrefixes><Prefix>d/gr%C3%BC%C3%9Fe/</Prefix></CommonPrefixes></ListBucketResult>"#;
    let page = listing(text).unwrap();
    assert_eq!(page.objects[0].key, "d/a b c+");
    assert_eq!(page.objects[0].etag, "\"0123\"");
    assert_eq!(page.objects[0].modified, Some(1_704_164_645));
    assert_eq!(
        (page.objects[0].size, page.objects[0].class.as_str()),
        (Some(7), "GLACIER")
    );
    assert_eq!(
        (page.objects[1].key.as_str(), page.objects[1].size),
        ("d/", Some(0))
    );
    assert_eq!(page.prefixes, ["d/grüße/"]);
    assert_eq!(page.next.as_deref(), Some("d/x&1"));
    let plain = text
        .replace("<EncodingType>url</EncodingType>", "")
        .replace("true", "false");
    let page = listing(&plain).unwrap();
    assert_eq!(
        (page.objects[0].key.as_str(), page.next),
        ("d/a+b%20c%2B", None)
    );
}

#[test]
fn uploads_buckets_and_single_fields() {
    let text = "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u1</UploadId>\
        <Initiated>2024-01-02T03:04:05Z</Initiated></Upload><Upload><Key>l</Key></Upload>\
        </ListMultipartUploadsResult>";
    let all = begun(text).unwrap();
    assert_eq!((all[0].id.as_str(), all[0].at), ("u1", Some(1_704_164_645)));
    assert_eq!(
        (all.len(), all[1].key.as_str(), all[1].id.as_str()),
        (2, "l", "")
    );
    let text = "<R><Owner><DisplayName>n</DisplayName></Owner><Buckets><Bucket><Name>a</Name>\
        </Bucket><Bucket><Name>b</Name></Bucket></Buckets></R>";
    assert_eq!(buckets(text).unwrap(), ["a", "b"]);
    let text = "<X><UploadId>1</UploadId><Y><UploadId>2</UploadId></Y></X>";
    assert_eq!(field(text, "UploadId").unwrap().as_deref(), Some("1"));
    assert_eq!(field(text, "ETag").unwrap(), None);
}

#[test]
fn what_is_sent() {
    let parts = [(1, "\"a\"", None), (2, "b", Some("AAAA"))];
    assert_eq!(
        complete(parts.into_iter()),
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>\
         <Part><PartNumber>2</PartNumber><ETag>b</ETag><ChecksumCRC32C>AAAA</ChecksumCRC32C></Part>\
         </CompleteMultipartUpload>"
    );
    assert!(restore(Some(2), "Bulk").contains("<Days>2</Days>"));
    assert!(!restore(None, "Bulk").contains("Days"));
}

#[test]
fn deep_and_declaring_documents_are_refused() {
    let deep = "<a>".repeat(1000);
    assert!(listing(&deep).is_err());
    assert!(listing("<!DOCTYPE a><a/>").is_err());
    assert!(listing("<a>&secret;</a>").is_err());
    assert!(listing("<a><b></a>").is_err());
}

proptest! {
    #[test]
    fn nothing_a_server_writes_makes_it_panic(text in "[<>/&;a-zA-Z \"]{0,80}") {
        let _ = (fault(&text), listing(&text).is_ok(), begun(&text).is_ok());
        let _ = (buckets(&text).is_ok(), field(&text, "a").is_ok());
    }
}

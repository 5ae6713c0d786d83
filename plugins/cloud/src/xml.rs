//! The little documents of Azure, in both directions, without any network.
//!
//! Answers are read leniently; what is missing is empty. They are small: pages of at most five
//! thousand entries, read whole.

use causeway_sdk::http_client::date;
use causeway_sdk::{Algorithm, Error, ErrorKind, Locality, Result, Stat};
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use crate::digest;

/// Deeper than any answer of Azure.
const MAX_DEPTH: usize = 16;

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) blobs: Vec<(String, Stat)>,
    /// What lies deeper, each name once, with the slash at its end.
    pub(crate) prefixes: Vec<String>,
    pub(crate) next: Option<String>,
}

/// Calls `leaf` with every element at its end: the names above it, its own, whether it is marked as
/// encoded, and its text.
fn walk(text: &str, mut leaf: impl FnMut(&[String], &str, bool, &str)) -> Result<()> {
    let mut xml = Reader::from_str(text.trim_start_matches('\u{feff}'));
    xml.config_mut().expand_empty_elements = true;
    let (mut path, mut held, mut is_encoded) = (Vec::<String>::new(), String::new(), false);
    loop {
        match xml
            .read_event()
            .map_err(|source| garbled(&source.to_string()))?
        {
            Event::Start(start) => {
                if path.len() >= MAX_DEPTH {
                    return Err(garbled("it is nested too deeply"));
                }
                let mark = start.try_get_attribute("Encoded").ok().flatten();
                is_encoded = mark.is_some_and(|it| &*it.value == "true");
                path.push(start.local_name().as_ref().to_owned());
                held.clear();
            }
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                leaf(&path, &name, is_encoded, &held);
                held.clear();
            }
            Event::Text(text) => held.push_str(&text),
            Event::CData(text) => held.push_str(&text),
            Event::GeneralRef(name) => held.push_str(&entity(&name)?),
            Event::DocType(_) => return Err(garbled("it declares a document type")),
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(garbled("it ends in the middle")),
            _ => {}
        }
    }
}

fn entity(name: &BytesRef<'_>) -> Result<String> {
    if let Ok(Some(c)) = name.resolve_char_ref() {
        return Ok(c.to_string());
    }
    match resolve_predefined_entity(name) {
        Some(it) => Ok(it.to_owned()),
        None => Err(garbled("it uses an unknown entity")),
    }
}

fn garbled(why: &str) -> Error {
    Error::new(ErrorKind::Remote, format!("read an answer: {why}"))
}

fn is_in(path: &[String], name: &str) -> bool {
    path.last().is_some_and(|it| it == name)
}

/// Code and message of a document of an error; empty when it is none.
pub(crate) fn fault(text: &str) -> (String, String) {
    let (mut code, mut message) = (String::new(), String::new());
    // Cut short, it still may have said the code.
    let _cut = walk(text.trim_start(), |path, name, _, value| match name {
        "Code" if is_in(path, "Error") => value.trim().clone_into(&mut code),
        "Message" if is_in(path, "Error") => value.trim().clone_into(&mut message),
        _ => {}
    });
    (code, message)
}

/// An answer to List Blobs.
pub(crate) fn listing(text: &str) -> Result<Listing> {
    let mut page = Listing::default();
    let (mut name, mut stat) = (String::new(), Stat::default());
    walk(text, |path, element, is_encoded, value| match element {
        "Name" if is_encoded => name = percent_decode_str(value).decode_utf8_lossy().into_owned(),
        "Name" => value.clone_into(&mut name),
        "BlobPrefix" => page.prefixes.push(std::mem::take(&mut name)),
        "Blob" => {
            let stat = std::mem::take(&mut stat);
            let name = std::mem::take(&mut name);
            // Where the account has real directories, they are listed as both.
            if !stat.is_directory() {
                page.blobs.push((name, stat));
            }
        }
        "NextMarker" => page.next = Some(value.to_owned()).filter(|it| !it.is_empty()),
        _ if is_in(path, "Properties") => property(&mut stat, element, value.trim()),
        _ => {}
    })?;
    Ok(page)
}

fn property(stat: &mut Stat, name: &str, value: &str) {
    match name {
        "Content-Length" => stat.size = value.parse().ok(),
        "Last-Modified" => stat.mtime = date(value),
        "Etag" if !value.is_empty() => stat.etag = Some(quoted(value)),
        "Content-MD5" => stat
            .checksums
            .extend(digest::from_base64(Algorithm::Md5, value)),
        "AccessTier" => stat.locality = locality(value),
        "ResourceType" if value == "directory" => *stat = Stat::directory(),
        _ => {}
    }
}

/// Listings leave out the quotes that headers have.
fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.trim_matches('"'))
}

/// What an access tier means for reading.
pub(crate) fn locality(tier: &str) -> Locality {
    match tier {
        "Archive" => Locality::Nearline,
        "" => Locality::Unknown,
        _ => Locality::Online,
    }
}

/// The body of Put Block List.
pub(crate) fn block_list<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for id in ids {
        // Ids are Base64: there is nothing to escape.
        text.extend(["<Uncommitted>", id, "</Uncommitted>"]);
    }
    text.push_str("</BlockList>");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults \
        ContainerName=\"c\"><Prefix>d/</Prefix><Delimiter>/</Delimiter><Blobs>\
        <Blob><Name>d/a &amp; b</Name><Properties><Last-Modified>Mon, 01 Jan 2024 00:00:00 GMT\
        </Last-Modified><Etag>0x8D</Etag><Content-Length>6</Content-Length>\
        <Content-MD5>CY9rzUYh03PK3k6DJie09g==</Content-MD5><AccessTier>Archive</AccessTier>\
        </Properties></Blob><Blob><Name Encoded=\"true\">d/%ef%bf%bf</Name><Properties>\
        <Content-Length>0</Content-Length></Properties></Blob>\
        <Blob><Name>d/dir</Name><Properties><ResourceType>directory</ResourceType></Properties>\
        </Blob><BlobPrefix><Name>d/deep/</Name></BlobPrefix></Blobs><NextMarker>2!x</NextMarker>\
        </EnumerationResults>";

    #[test]
    fn a_page_is_read() {
        let page = listing(PAGE).unwrap();
        let names: Vec<_> = page.blobs.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, ["d/a & b", "d/\u{ffff}"]);
        assert_eq!(page.prefixes, ["d/deep/"]);
        assert_eq!(page.next.as_deref(), Some("2!x"));
        let stat = &page.blobs[0].1;
        assert_eq!((stat.size, stat.mtime), (Some(6), Some(1_704_067_200)));
        assert_eq!(stat.etag.as_deref(), Some("\"0x8D\""));
        assert_eq!(stat.locality, Locality::Nearline);
        assert_eq!(stat.checksums[0].hex, "098f6bcd4621d373cade4e832627b4f6");
        assert!(page.blobs[1].1.checksums.is_empty());
    }

    #[test]
    fn bad_documents_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY a \"b\">]><a>&a;</a>";
        for text in ["<a>", "<a></b>", bomb, "<a>&x;</a>", &"<a>".repeat(50)] {
            assert_eq!(
                listing(text).unwrap_err().kind(),
                ErrorKind::Remote,
                "{text}"
            );
        }
    }

    #[test]
    fn a_list_of_blocks() {
        let text = block_list(["YQ==", "Yg=="].into_iter());
        assert!(text.ends_with(
            "<BlockList><Uncommitted>YQ==</Uncommitted><Uncommitted>Yg==</Uncommitted></BlockList>"
        ));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(<[a-zA-Z:/!?]{0,12}>?|&[a-z#0-9]{0,5};?|Blob|Name|\\PC){0,60}") {
            let _outcome = listing(&text);
            let _fault = fault(&text);
        }
    }
}

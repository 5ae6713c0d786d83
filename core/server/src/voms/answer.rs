//! What a VOMS server answers: `<voms><ac>base64</ac></voms>`, or an error with code and message.
//!
//! Warnings stand beside the attributes (a shorter life than asked for, a role that was left out);
//! they are logged. No entity but the predefined ones is expanded.

use base64::Engine as _;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Longest text of a server that is shown to users.
const MAX_TEXT: usize = 400;
/// Deepest nesting.
const MAX_DEPTH: usize = 8;

/// Why an answer brings no attributes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The server says no.
    #[error("{message}")]
    Refused {
        /// Its own words.
        message: String,
    },
    /// It is not such a document.
    #[error("the answer is not understood: {0}")]
    Garbled(&'static str),
}

/// What the elements said.
#[derive(Default)]
struct Found {
    attributes: Option<String>,
    code: Option<String>,
    message: Option<String>,
    is_error: bool,
}

/// The attribute certificate of an answer, in DER.
pub fn read(text: &str) -> Result<Vec<u8>, AnswerError> {
    let found = scan(text)?;
    if found.is_error {
        let message = found.message.filter(|it| !it.is_empty()).or(found.code);
        return Err(AnswerError::Refused {
            message: shown(message.as_deref().unwrap_or("no reason given")),
        });
    }
    let attributes = found
        .attributes
        .ok_or(AnswerError::Garbled("it holds no attributes"))?;
    let plain: String = attributes.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD
        .decode(plain)
        .map_err(|_| AnswerError::Garbled("its attributes are not base64"))
}

fn scan(text: &str) -> Result<Found, AnswerError> {
    let mut xml = Reader::from_str(text);
    xml.config_mut().expand_empty_elements = true;
    let mut found = Found::default();
    let mut path: Vec<String> = Vec::new();
    let mut content = String::new();
    loop {
        let event = xml.read_event();
        match event.map_err(|_| AnswerError::Garbled("it is not XML"))? {
            Event::Start(start) => {
                if path.len() == MAX_DEPTH {
                    return Err(AnswerError::Garbled("it is nested too deeply"));
                }
                path.push(start.local_name().as_ref().to_owned());
                content.clear();
            }
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                found.take(
                    &name,
                    path.last().map(String::as_str),
                    std::mem::take(&mut content),
                );
            }
            Event::Text(text) => content.push_str(&text),
            Event::CData(text) => content.push_str(&text),
            Event::GeneralRef(name) => match (name.resolve_char_ref(), &*name) {
                (Ok(Some(c)), _) => content.push(c),
                (_, name) => content.push_str(resolve_predefined_entity(name).unwrap_or_default()),
            },
            Event::DocType(_) => return Err(AnswerError::Garbled("it declares a document type")),
            Event::Eof if path.is_empty() => return Ok(found),
            Event::Eof => return Err(AnswerError::Garbled("it ends in the middle")),
            _ => {}
        }
    }
}

impl Found {
    fn take(&mut self, name: &str, above: Option<&str>, content: String) {
        match (above, name) {
            (Some("voms"), "ac") => self.attributes = Some(content),
            (Some("error"), "code") => self.code = Some(content),
            (Some("error"), "message") => self.message = Some(content),
            (Some("voms"), "error") => self.is_error = true,
            (Some("voms"), "warning") => {
                tracing::info!(warning = shown(&content), "a VOMS server warns");
            }
            _ => {}
        }
    }
}

/// A server's words in one line of sensible length.
fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = words.join(" ");
    plain
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

    #[test]
    fn attributes_come_in_lines_and_with_warnings() {
        let text = format!(
            "{HEAD}<voms><ac>AQID\nBAU=\n</ac><warning>validity shortened</warning></voms>\n"
        );
        assert_eq!(read(&text), Ok(vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn refusals_are_told_in_the_servers_words() {
        let refused = |text: &str| match read(text) {
            Err(AnswerError::Refused { message }) => message,
            other => panic!("{other:?}"),
        };
        let text = "<voms><error><code>NoSuchUser</code><message>User unknown\n to this\u{7} &lt;VO&gt;.</message></error></voms>";
        assert_eq!(refused(text), "User unknown to this <VO>.");
        assert_eq!(
            refused("<voms><error><code>BadRequest</code></error></voms>"),
            "BadRequest"
        );
        assert_eq!(
            refused("<voms><ac>AQID</ac><error/></voms>"),
            "no reason given"
        );
        let long = format!(
            "<voms><error><message>{}</message></error></voms>",
            "x".repeat(5000)
        );
        assert_eq!(refused(&long).len(), MAX_TEXT);
    }

    #[test]
    fn other_documents_are_not_understood() {
        for text in [
            "",
            "nonsense",
            "<html><body>404</body></html>",
            "<voms><ac>AQID</ac>",
            "<voms><ac>!!</ac></voms>",
            "<ac>AQID</ac>",
            "<!DOCTYPE voms [<!ENTITY a \"b\">]><voms><ac>AQID</ac></voms>",
            "<voms><a><a><a><a><a><a><a><a>",
        ] {
            assert!(matches!(read(text), Err(AnswerError::Garbled(_))), "{text}");
        }
    }
}

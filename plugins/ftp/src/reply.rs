//! What a server says on the control connection (RFC 959 section 4.2).

use suppaftp::types::Response;

/// Longest text of a server that gets into a message, in characters.
const MAX_TEXT: usize = 200;

/// A complete reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u32,
    /// All lines as they came; bytes that are no UTF-8 become the replacement character.
    text: String,
}

impl Reply {
    pub(crate) fn new(response: &Response) -> Self {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        Self {
            // The last line counts: some servers open with another code than they end with.
            code: text
                .lines()
                .next_back()
                .and_then(|line| line.get(..3))
                .and_then(|code| code.parse().ok())
                .unwrap_or_else(|| response.status.code()),
            text,
        }
    }

    /// It is done.
    pub(crate) fn is_good(&self) -> bool {
        self.code / 100 == 2
    }

    /// More is to come.
    pub(crate) fn is_preliminary(&self) -> bool {
        self.code / 100 == 1
    }

    /// The server does not know the command, or not in this form.
    pub(crate) fn is_unknown_command(&self) -> bool {
        matches!(self.code, 500 | 501 | 502 | 504)
    }

    /// The lines between the first and the last.
    pub(crate) fn inner_lines(&self) -> impl Iterator<Item = &str> {
        let count = self.text.lines().count();
        self.text.lines().take(count.saturating_sub(1)).skip(1)
    }

    /// The first line without its code.
    pub(crate) fn first(&self) -> &str {
        let line = self.text.lines().next().unwrap_or_default();
        line.get(4..).unwrap_or_default().trim()
    }

    /// One short line of all that was said, codes left out.
    pub(crate) fn said(&self) -> String {
        let mut said = String::new();
        for line in self.text.lines() {
            let is_coded = line.len() >= 4
                && line.as_bytes()[..3].iter().all(u8::is_ascii_digit)
                && matches!(line.as_bytes()[3], b' ' | b'-');
            let line = if is_coded { &line[4..] } else { line };
            for word in line.split(|it: char| it.is_whitespace() || it.is_control()) {
                if !word.is_empty() {
                    said.push_str(if said.is_empty() { "" } else { " " });
                    said.push_str(word);
                }
            }
            if said.len() > 4 * MAX_TEXT {
                break;
            }
        }
        said.chars().take(MAX_TEXT).collect()
    }

    /// The same reply with every occurrence of a text taken out.
    pub(crate) fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            self.text = self.text.replace(secret, "<redacted>");
        }
        self
    }
}

#[cfg(test)]
pub(crate) fn reply(text: &str) -> Reply {
    Reply::new(&Response::new(
        suppaftp::Status::Unknown,
        text.as_bytes().to_vec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_decides_and_the_text_is_one_line() {
        let it = reply("230-Welcome\r\n\r\n 12 users\r\n230 Logged\tin.\r\n");
        assert_eq!(it.code, 230);
        assert_eq!(it.said(), "Welcome 12 users Logged in.");
        assert_eq!(it.first(), "Welcome");
        assert_eq!(it.inner_lines().collect::<Vec<_>>(), ["", " 12 users"]);
        assert_eq!(reply("220-a\r\n226 b\r\n").code, 226);
    }

    #[test]
    fn odd_texts_do_no_harm() {
        for text in [
            "",
            "5",
            "550",
            "550 ",
            "\u{fc}\u{fc}\u{fc}\r\n",
            "abc-\r\nx",
        ] {
            let it = reply(text);
            assert!(it.said().len() < 20, "{text}");
            let _ = (it.first(), it.inner_lines().count());
        }
        let long = reply(&format!("550 {}", "x ".repeat(100_000)));
        assert_eq!(long.said().chars().count(), MAX_TEXT);
    }

    #[test]
    fn an_echoed_password_is_taken_out() {
        let it = reply("530 no hunter2 here").without("hunter2");
        assert_eq!(it.said(), "no <redacted> here");
    }
}

//! Replies of a server: from lines to [`Reply`], and from a refusal to an error of the right kind.
//!
//! # Invariants
//! - A reply is never larger than the limit given for it (`a_reply_that_does_not_end_is_refused`).
//! - Arbitrary lines give a reply or an error, never a panic (`arbitrary_lines_never_panic`).

mod failure;

use crate::{Error, Result};

/// One complete reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    /// Texts without code; the inner lines of a long reply as they came.
    lines: Vec<String>,
}

impl Reply {
    /// Reads the text of one complete reply.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] when it is none, does not end, or goes on behind its end.
    pub fn read(text: &str) -> Result<Self> {
        let mut assembler = Assembler::default();
        let mut lines = text.lines();
        for line in &mut lines {
            if let Some(reply) = assembler.line(line, usize::MAX)? {
                return match lines.next() {
                    None => Ok(reply),
                    Some(_) => Err(Error::protocol("read a reply: it goes on behind its end")),
                };
            }
        }
        Err(Error::protocol("read a reply: it does not end"))
    }

    /// The code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The lines, without codes.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The whole text, lines joined by line breaks.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The lines between the first and the last of a long reply.
    pub fn inner(&self) -> &[String] {
        match self.lines.len() {
            0..=2 => &[],
            count => &self.lines[1..count - 1],
        }
    }

    /// True for 1xx: more will come.
    pub fn is_preliminary(&self) -> bool {
        self.code / 100 == 1
    }

    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        self.code / 100 == 2
    }

    /// The reply when its code is one of these, or else the error it stands for.
    pub(crate) fn expect(self, what: &str, codes: &[u16]) -> Result<Self> {
        if codes.contains(&self.code) {
            return Ok(self);
        }
        Err(self.refusal(what))
    }

    /// The reply when it is 2xx, or else the error it stands for.
    pub(crate) fn success(self, what: &str) -> Result<Self> {
        if self.is_success() {
            return Ok(self);
        }
        Err(self.refusal(what))
    }

    /// The error this reply stands for.
    pub(crate) fn refusal(&self, what: &str) -> Error {
        failure::of(self).during(what)
    }
}

/// Puts lines together until a reply is complete.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    code: Option<u16>,
    lines: Vec<String>,
    size: usize,
}

impl Assembler {
    /// Takes one line without its line break. Answers with the reply that it completes.
    pub(crate) fn line(&mut self, line: &str, limit: usize) -> Result<Option<Reply>> {
        self.size = self.size.saturating_add(line.len() + 2);
        if self.size > limit {
            return Err(Error::protocol(format!(
                "read a reply: it is longer than {limit} bytes"
            )));
        }
        let head = split(line);
        let Some(code) = self.code else {
            let Some((code, continues, text)) = head else {
                return Err(Error::protocol(
                    "read a reply: it does not begin with a code",
                ));
            };
            self.lines.push(text.to_owned());
            self.code = Some(code);
            return Ok(if continues { None } else { self.take() });
        };
        match head {
            Some((its, continues, text)) if its == code => {
                self.lines.push(text.to_owned());
                Ok(if continues { None } else { self.take() })
            }
            _ => {
                self.lines.push(line.to_owned());
                Ok(None)
            }
        }
    }

    fn take(&mut self) -> Option<Reply> {
        let Self { code, lines, .. } = std::mem::take(self);
        code.map(|code| Reply { code, lines })
    }
}

/// Code, whether more lines follow, text.
fn split(line: &str) -> Option<(u16, bool, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    if !code.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let code = code.parse().ok().filter(|it| (100..700).contains(it))?;
    match rest.as_bytes().first() {
        None => Some((code, false, "")),
        Some(b' ') => Some((code, false, &rest[1..])),
        Some(b'-') => Some((code, true, &rest[1..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<Reply>> {
        let mut assembler = Assembler::default();
        let mut replies = Vec::new();
        for line in text.lines() {
            replies.extend(assembler.line(line, 1000)?);
        }
        Ok(replies)
    }

    #[test]
    fn short_and_long_replies() {
        let replies = read("220 ready\n213-status of\n -rw x\n213 End.\n211-Features:\n MLST\n 211 x\n211 End.\n226").unwrap();
        assert_eq!(
            replies.iter().map(Reply::code).collect::<Vec<_>>(),
            [220, 213, 211, 226]
        );
        assert_eq!(replies[1].inner(), [" -rw x"]);
        assert_eq!(replies[2].lines(), ["Features:", " MLST", " 211 x", "End."]);
    }

    #[test]
    fn every_line_may_carry_the_code() {
        let reply = &read("550-GridFTP-Errno: 2\n550-x\n550 End.").unwrap()[0];
        assert_eq!(reply.text(), "GridFTP-Errno: 2\nx\nEnd.");
    }

    #[test]
    fn a_reply_that_does_not_end_is_refused() {
        let endless = format!("211-x\n{}", "more\n".repeat(300));
        assert!(read(&endless).is_err());
        assert!(read("no code").is_err());
        assert!(read("99 x").is_err());
        assert!(read("999 x").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(lines: Vec<String>) {
            let mut assembler = Assembler::default();
            for line in lines {
                if let Ok(Some(reply)) = assembler.line(&line, 1 << 20) {
                    reply.refusal("x");
                }
            }
        }

        #[test]
        fn codes_with_arbitrary_tails_never_panic(code in 0_u16..1000, tail: String) {
            let mut assembler = Assembler::default();
            if let Ok(Some(reply)) = assembler.line(&format!("{code}{tail}"), 1 << 20) {
                prop_assert_eq!(reply.code(), code);
                reply.refusal("x");
            }
        }
    }
}

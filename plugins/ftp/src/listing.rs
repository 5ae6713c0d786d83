//! One directory being read: MLSD where the server has it, else LIST.
//!
//! LIST takes words that begin with a dash for options and stars for patterns, so the directory is
//! gone to first and no name is given. It leaves out names with a dot in front unless told `-a`,
//! which is no standard; a server that shows nothing at all then, not even the directory itself, is
//! asked again without.

use causeway_sdk::{Entry, Error, ErrorKind, Result, Url as Surl};

use crate::data::Move;
use crate::endpoint::Lease;
use crate::error::{failed, from_io, refused};
use crate::inspect::stat_in;
use crate::lines::Lines;
use crate::reply::Reply;
use crate::session::Transfer;
use crate::{columns, facts, temporary};

/// A directory being read.
pub(crate) struct Listing {
    // Dropped in this order: the data connection ends before the session.
    transfer: Option<Transfer>,
    session: Lease,
    lines: Lines,
    form: Form,
    at: Surl,
    shows_unfinished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Facts,
    /// LIST; whether it was asked for hidden names and has shown nothing yet.
    Columns {
        may_be_an_option_too_much: bool,
    },
}

impl Listing {
    /// Begins to read.
    pub(crate) async fn open(session: Lease, at: &Surl, path: &str) -> Result<Self> {
        let has_facts = session.features.has_facts;
        let mut listing = Self {
            transfer: None,
            session,
            lines: Lines::default(),
            form: Form::Facts,
            at: at.clone(),
            shows_unfinished: false,
        };
        if has_facts {
            match listing.begin(&format!("MLSD {path}")).await? {
                None => return Ok(listing),
                // 501 is what some say of a file.
                Some(reply) if matches!(reply.code, 500 | 502 | 504) => {}
                Some(reply) => return Err(listing.explain(path, &reply).await),
            }
        }
        let gone_to = listing.session.command(&format!("CWD {path}")).await?;
        if !gone_to.is_good() {
            return Err(listing.explain(path, &gone_to).await);
        }
        listing.form = Form::Columns {
            may_be_an_option_too_much: true,
        };
        if listing.begin("LIST -a").await?.is_some() {
            listing.list_plainly().await?;
        }
        Ok(listing)
    }

    /// Shows unfinished uploads as well.
    pub(crate) fn with_unfinished(mut self) -> Self {
        self.shows_unfinished = true;
        self
    }

    /// Tells with what the server refuses, if it does.
    async fn begin(&mut self, command: &str) -> Result<Option<Reply>> {
        match self.session.open(Move::List(command)).await? {
            Ok(transfer) => {
                self.transfer = Some(transfer);
                Ok(None)
            }
            Err(reply) => Ok(Some(reply)),
        }
    }

    async fn list_plainly(&mut self) -> Result<()> {
        self.form = Form::Columns {
            may_be_an_option_too_much: false,
        };
        match self.begin("LIST").await? {
            // What some say of an empty directory; it is one, since it could be gone to.
            Some(reply) if reply.said().to_ascii_lowercase().contains("no files") => Ok(()),
            Some(reply) => Err(refused("list", &self.at, &reply)),
            None => Ok(()),
        }
    }

    async fn explain(&mut self, path: &str, reply: &Reply) -> Error {
        match stat_in(&mut self.session, &self.at, path, "list").await {
            Ok(it) if !it.is_directory() => not_a_directory(&self.at),
            Err(error) => error,
            Ok(_) => refused("list", &self.at, reply),
        }
    }

    /// The next entry.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>> {
        while let Some(transfer) = &mut self.transfer {
            let (limit, what) = (self.session.limits.data, &self.session.origin);
            match self.lines.next(transfer, limit, what).await? {
                Some(line) => {
                    if let Some(entry) = self.read(&line)? {
                        return Ok(Some(entry));
                    }
                }
                None => self.end().await?,
            }
        }
        Ok(None)
    }

    /// Closes the data connection; only what the server calls complete is.
    async fn end(&mut self) -> Result<()> {
        let Some(transfer) = self.transfer.take() else {
            return Ok(());
        };
        let (is_cut, limit) = (self.session.was_cut(), self.session.limits.reply);
        if let Err(reply) = self.session.finish(transfer, limit).await? {
            return Err(refused("list", &self.at, &reply));
        }
        if is_cut {
            let what = format!("list {}", self.at);
            return Err(from_io(&what, &std::io::ErrorKind::UnexpectedEof.into()));
        }
        match self.form {
            Form::Columns {
                may_be_an_option_too_much: true,
            } => self.list_plainly().await,
            _ => Ok(()),
        }
    }

    fn read(&mut self, line: &str) -> Result<Option<Entry>> {
        let (stat, name) = match self.form {
            Form::Facts => match facts::read(line) {
                Some((facts::Line::Entry(stat), name)) => (stat, name),
                Some((facts::Line::Around(_), _)) => return Ok(None),
                None if line.is_empty() => return Ok(None),
                None => return Err(self.unknown(line)),
            },
            Form::Columns { .. } => match columns::read(line) {
                columns::Line::Entry(stat, name) => (stat, name),
                columns::Line::Nothing => return Ok(None),
                columns::Line::Unknown => return Err(self.unknown(line)),
            },
        };
        if matches!(self.form, Form::Columns { .. }) {
            self.form = Form::Columns {
                may_be_an_option_too_much: false,
            };
        }
        // A name is one segment. Servers that list a file show its whole path here.
        if matches!(name, "." | "..") || name.contains('/') {
            return Ok(None);
        }
        let is_hidden = temporary::is_temporary(name) && !self.shows_unfinished;
        Ok((!is_hidden).then(|| Entry {
            name: name.to_owned(),
            stat,
        }))
    }

    /// A line that cannot be read may be a file that would be missing.
    fn unknown(&self, line: &str) -> Error {
        let line: String = line
            .chars()
            .filter(|it| !it.is_control())
            .take(80)
            .collect();
        let why = format!("a line of no form that is known: {line}");
        failed(ErrorKind::Remote, "list", &self.at, &why)
    }
}

fn not_a_directory(at: &Surl) -> Error {
    failed(ErrorKind::NotDirectory, "list", at, "it is no directory")
}

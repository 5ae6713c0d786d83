//! Names: facts, directories, removing, renaming, checksums.

use crate::facts::{self, Facts};
use crate::reply::Reply;
use crate::{Error, ErrorKind, Result, Session};

const LOOK: &str = "look a file up";

impl Session {
    /// What stands at a path (`MLST`; where that is unknown, `SIZE` and `MDTM`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is nothing.
    pub async fn stat(&mut self, path: &str) -> Result<Facts> {
        if !self.features().may("MLST") {
            return self.stat_by_size(path).await;
        }
        let reply = self.ask(&format!("MLST {path}")).await?;
        facts_of(reply)
    }

    /// What stands at each of several paths, which costs one round trip where `MLST` is known: all are asked
    /// before the first answer is read. So many as fit into the buffers of a connection, some dozens.
    ///
    /// # Errors
    /// When the session breaks; what is wrong with one path is its own answer.
    pub async fn stat_each(&mut self, paths: &[&str]) -> Result<Vec<Result<Facts>>> {
        let mut all = Vec::with_capacity(paths.len());
        if self.features().may("MLST") {
            let commands: Vec<String> = paths.iter().map(|path| format!("MLST {path}")).collect();
            let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
            self.send(&commands).await?;
            for _ in paths {
                all.push(facts_of(self.receive().await?));
            }
            return Ok(all);
        }
        for path in paths {
            let found = self.stat_by_size(path).await;
            if self.is_broken() {
                found?;
            } else {
                all.push(found);
            }
        }
        Ok(all)
    }

    async fn stat_by_size(&mut self, path: &str) -> Result<Facts> {
        let size = self.size(path).await?;
        let modified = self.modified(path).await?;
        Ok(Facts {
            name: path.to_owned(),
            size: Some(size),
            modified: Some(modified),
            ..Facts::default()
        })
    }

    /// Size of a file (`SIZE`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others.
    pub async fn size(&mut self, path: &str) -> Result<u64> {
        const WHAT: &str = "ask for a size";
        let reply = self
            .ask(&format!("SIZE {path}"))
            .await?
            .expect(WHAT, &[213])?;
        let size = reply.text().trim().parse();
        size.map_err(|_| Error::protocol(format!("{WHAT}: the answer is no number")))
    }

    /// Last modification of a file, seconds since 1970 UTC (`MDTM`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others.
    pub async fn modified(&mut self, path: &str) -> Result<i64> {
        const WHAT: &str = "ask for a time";
        let reply = self
            .ask(&format!("MDTM {path}"))
            .await?
            .expect(WHAT, &[213])?;
        let time = facts::parse_time(reply.text().trim());
        time.ok_or_else(|| Error::protocol(format!("{WHAT}: the answer is no time")))
    }

    /// Lines as `ls -l` writes them, for servers without machine-readable listings (`STAT`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others.
    pub async fn stat_lines(&mut self, path: &str) -> Result<Vec<String>> {
        let reply = self.ask(&format!("STAT {path}")).await?;
        let reply = reply.expect(LOOK, &[211, 212, 213])?;
        Ok(reply.inner().to_vec())
    }

    /// Makes a directory; the one above must be there.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`], [`ErrorKind::NotFound`] and others.
    pub async fn mkdir(&mut self, path: &str) -> Result<()> {
        self.simply("make a directory", &format!("MKD {path}"))
            .await
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// [`ErrorKind::NotEmpty`], [`ErrorKind::NotFound`] and others.
    pub async fn rmdir(&mut self, path: &str) -> Result<()> {
        self.simply("remove a directory", &format!("RMD {path}"))
            .await
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others.
    pub async fn delete(&mut self, path: &str) -> Result<()> {
        self.simply("remove a file", &format!("DELE {path}")).await
    }

    /// Gives a file or directory another name; what has that name may be replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others.
    pub async fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        const WHAT: &str = "rename";
        let reply = self.ask(&format!("RNFR {from}")).await?;
        reply.expect(WHAT, &[350])?;
        self.simply(WHAT, &format!("RNTO {to}")).await
    }

    /// Sets permission bits (`SITE CHMOD`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and others.
    pub async fn chmod(&mut self, path: &str, mode: u32) -> Result<()> {
        let command = format!("SITE CHMOD {:03o} {path}", mode & 0o7777);
        self.simply("set permissions", &command).await
    }

    /// Checksum that the server computes, in lower-case hexadecimal digits. `length` of `None`
    /// means to the end. Takes as long as reading the file does.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an algorithm that the server does not have.
    pub async fn checksum(
        &mut self,
        path: &str,
        algorithm: &str,
        offset: u64,
        length: Option<u64>,
    ) -> Result<String> {
        const WHAT: &str = "compute a checksum";
        let known = self.features().checksums();
        let algorithm = algorithm.to_ascii_uppercase();
        if !known.is_empty() && !known.contains(&algorithm) {
            let text = format!("{WHAT}: the server does not compute {algorithm}");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let length = length.map_or_else(|| "-1".to_owned(), |it| it.to_string());
        let command = format!("CKSM {algorithm} {offset} {length} {path}");
        self.send(&[&command]).await?;
        let limit = self.options().checksum;
        let reply = self.receive_within(limit).await?.expect(WHAT, &[213])?;
        let digits = reply.text().trim().to_ascii_lowercase();
        let is_sum =
            (1..=128).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_hexdigit());
        match is_sum {
            true => Ok(digits),
            false => Err(Error::protocol(format!(
                "{WHAT}: the answer is no checksum"
            ))),
        }
    }

    /// Nothing, to see whether the server is there.
    ///
    /// # Errors
    /// When it is not.
    pub async fn noop(&mut self) -> Result<()> {
        self.simply("ask for a sign of life", "NOOP").await
    }

    async fn simply(&mut self, what: &str, command: &str) -> Result<()> {
        self.ask(command).await?.success(what).map(drop)
    }
}

/// The facts in an answer to `MLST`.
fn facts_of(reply: Reply) -> Result<Facts> {
    let reply = reply.expect(LOOK, &[250])?;
    let line = reply.inner().first();
    let line = line.ok_or_else(|| Error::protocol(format!("{LOOK}: there are no facts")))?;
    Facts::parse(line)
}

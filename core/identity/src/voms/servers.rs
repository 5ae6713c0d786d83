//! The list of VOMS servers (`vomses`): where attributes of a VO are to be had.
//!
//! One server a line: `"alias" "host" "port" "dn" "vo"`, then sometimes a version that nobody needs
//! any more. A file, or a directory of such files. It is read whenever it is asked, which is seldom.

use std::path::{Path, PathBuf};

/// Where the list lies when nothing else is configured.
pub const DEFAULT_VOMSES: &str = "/etc/vomses";

/// One server of a VO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VomsServer {
    /// Another name for the VO at this server.
    pub alias: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// DN of its certificate.
    pub dn: String,
    /// The VO.
    pub vo: String,
}

/// All servers of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VomsServers {
    servers: Vec<VomsServer>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("read the list of voms servers {path}: {source}")]
pub struct VomsesError {
    /// The file or directory.
    path: PathBuf,
    /// What the system said.
    source: std::io::Error,
}

impl VomsServers {
    /// Reads a list. Lines that cannot be read are logged and skipped.
    ///
    /// # Errors
    /// Nothing is there, or it is not readable.
    pub fn read(path: &Path) -> Result<Self, VomsesError> {
        let failed = |source| VomsesError {
            path: path.to_owned(),
            source,
        };
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries: std::io::Result<Vec<_>> =
                std::fs::read_dir(path).map_err(failed)?.collect();
            let entries = entries.map_err(failed)?;
            files = entries.into_iter().map(|entry| entry.path()).collect();
            files.retain(|file| file.is_file());
            files.sort();
        }
        let mut servers = Self::default();
        for file in files {
            let text = std::fs::read(&file).map_err(failed)?;
            servers.add(&file, &String::from_utf8_lossy(&text));
        }
        Ok(servers)
    }

    fn add(&mut self, file: &Path, text: &str) {
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match parse_line(line) {
                Some(server) => self.servers.push(server),
                None => tracing::warn!(
                    path = %file.display(),
                    line = index + 1,
                    "skipped a line that describes no voms server"
                ),
            }
        }
    }

    /// The servers of a VO, or of another name for one, in the order of the list.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a VomsServer> {
        let is_it = move |server: &&VomsServer| server.alias == name || server.vo == name;
        self.servers.iter().filter(is_it)
    }
}

/// Whatever stands between pairs of quotes; what stands outside does not count.
fn parse_line(line: &str) -> Option<VomsServer> {
    let pieces: Vec<&str> = line.split('"').collect();
    let mut fields = pieces.iter().skip(1).step_by(2).map(|it| (*it).to_owned());
    let server = VomsServer {
        alias: fields.next()?,
        host: fields.next()?,
        port: fields.next()?.parse().ok().filter(|port| *port != 0)?,
        dn: fields.next()?,
        vo: fields.next()?,
    };
    // An even number of pieces means that one quote is open.
    let is_whole = !pieces.len().is_multiple_of(2);
    let is_named = [&server.alias, &server.host, &server.vo]
        .iter()
        .all(|it| !it.is_empty());
    (is_whole && is_named).then_some(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_and_directories_of_files() {
        let dir = tempfile::tempdir().unwrap();
        let one = r#""dteam" "voms2.example.org" "15004" "/DC=org/CN=voms2" "dteam" "24""#;
        let two = "# servers\n\n\"old-dteam\" \"voms.example.org\" \"15004\" \"/DC=org/CN=voms\" \"dteam\"\nbroken \"line\"\n";
        std::fs::write(dir.path().join("b"), two).unwrap();
        std::fs::write(dir.path().join("a"), one).unwrap();
        let servers = VomsServers::read(dir.path()).unwrap();
        let hosts = |name| -> Vec<String> { servers.of(name).map(|it| it.host.clone()).collect() };
        assert_eq!(hosts("dteam"), ["voms2.example.org", "voms.example.org"]);
        assert_eq!(hosts("old-dteam"), ["voms.example.org"]);
        assert!(hosts("atlas").is_empty());
        let one = VomsServers::read(&dir.path().join("a")).unwrap();
        assert_eq!(one.of("dteam").count(), 1);
        let error = VomsServers::read(&dir.path().join("c")).unwrap_err();
        assert!(error.to_string().contains("/c: "), "{error}");
    }

    #[test]
    fn lines_that_describe_no_server_are_passed_over() {
        for bad in [
            r#""a" "h" "0" "/CN=x" "a""#,
            r#""a" "h" "70000" "/CN=x" "a""#,
            r#""a" "h" "1" "/CN=x""#,
            r#""a" "" "1" "/CN=x" "a""#,
            r#""a" "h" "1" "/CN=x" "a" "24"#,
        ] {
            assert_eq!(parse_line(bad), None, "{bad}");
        }
    }
}

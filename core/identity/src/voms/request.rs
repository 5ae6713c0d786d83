//! What is asked of VOMS servers, in the words that clients use: `vo`, or `vo:/vo/group/Role=r`.

/// What is wanted of one VO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VomsRequest {
    /// The VO, or another name for it in the list of servers.
    pub vo: String,
    /// Groups and roles in the order wanted; nothing stands for plain membership.
    pub fqans: Vec<Option<String>>,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VomsCommandError {
    /// Nothing is asked for.
    #[error("no vo is named")]
    Nothing,
    /// Neither a VO nor a VO with a group or role.
    #[error("{0:?} is neither a vo nor of the form vo:/vo/group/Role=role")]
    Malformed(String),
    /// More than anybody has.
    #[error("more than {MAX_COMMANDS} attributes are asked for")]
    TooMany,
}

/// More commands than any honest client sends.
const MAX_COMMANDS: usize = 64;

/// Sorts commands by VO, keeping their order within each.
pub fn parse_commands(commands: &[String]) -> Result<Vec<VomsRequest>, VomsCommandError> {
    match commands.len() {
        0 => return Err(VomsCommandError::Nothing),
        many if many > MAX_COMMANDS => return Err(VomsCommandError::TooMany),
        _ => {}
    }
    let mut requests: Vec<VomsRequest> = Vec::new();
    for command in commands {
        let malformed = || VomsCommandError::Malformed(command.clone());
        let (vo, fqan) = match command.split_once(':') {
            None => (command.as_str(), None),
            Some((vo, fqan)) => (vo, Some(fqan)),
        };
        if vo.is_empty() || vo.starts_with('/') || !vo.bytes().all(is_plain) {
            return Err(malformed());
        }
        if fqan.is_some_and(|fqan| !fqan.starts_with('/') || !fqan.bytes().all(is_plain)) {
            return Err(malformed());
        }
        let fqan = fqan.map(str::to_owned);
        match requests.iter_mut().find(|request| request.vo == vo) {
            Some(request) if request.fqans.contains(&fqan) => {}
            Some(request) => request.fqans.push(fqan),
            None => requests.push(VomsRequest {
                vo: vo.to_owned(),
                fqans: vec![fqan],
            }),
        }
    }
    Ok(requests)
}

/// Names go into the query of a URL as they are: servers do not undo any encoding.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/=._-".contains(&byte)
}

impl VomsRequest {
    /// Path and query of the request to a server of `vo`, for attributes of that many seconds.
    pub fn path(&self, vo: &str, lifetime: u64) -> String {
        let member = format!("/{vo}");
        let fqans = self
            .fqans
            .iter()
            .map(|fqan| fqan.as_deref().unwrap_or(&member));
        let fqans: Vec<&str> = fqans.collect();
        format!("/generate-ac?fqans={}&lifetime={lifetime}", fqans.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(commands: &[&str]) -> Result<Vec<VomsRequest>, VomsCommandError> {
        let commands: Vec<String> = commands.iter().map(|it| (*it).to_owned()).collect();
        parse_commands(&commands)
    }

    #[test]
    fn commands_are_sorted_by_vo() {
        let commands = [
            "dteam",
            "atlas:/atlas/Role=production",
            "dteam:/dteam/cern",
            "dteam",
        ];
        let requests = parse(&commands).unwrap();
        let paths: Vec<String> = requests.iter().map(|it| it.path(&it.vo, 3600)).collect();
        assert_eq!(
            paths,
            [
                "/generate-ac?fqans=/dteam,/dteam/cern&lifetime=3600",
                "/generate-ac?fqans=/atlas/Role=production&lifetime=3600",
            ]
        );
    }

    #[test]
    fn nothing_gets_into_the_query_but_names() {
        assert_eq!(parse(&[]), Err(VomsCommandError::Nothing));
        let many = ["dteam"; MAX_COMMANDS + 1];
        assert_eq!(parse(&many), Err(VomsCommandError::TooMany));
        for bad in [
            "",
            "/dteam",
            "a b",
            "a&x=y",
            "a:b",
            "a:/a,/b",
            "a:/a&order=x",
            "a:/a\r\nx",
            ":/a",
        ] {
            let expected = VomsCommandError::Malformed(bad.to_owned());
            assert_eq!(parse(&[bad]), Err(expected));
        }
    }
}

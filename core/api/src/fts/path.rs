//! Paths: cut into segments before they are decoded, so that `%2F` stays inside its segment.

/// Values of the named parts of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// A value; empty for a name the route does not have.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// The decoded segments of a raw path: a run of slashes in front counts as one, and one slash at
/// the end counts for nothing. `None` when a segment is no text.
pub fn segments(raw: &str) -> Option<Vec<String>> {
    let path = raw.trim_start_matches('/');
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(Vec::new());
    }
    let decoded = path.split('/').map(|segment| {
        let bytes = percent_encoding::percent_decode_str(segment);
        bytes.decode_utf8().ok().map(|it| it.into_owned())
    });
    decoded.collect()
}

/// The path of a route, taken apart once.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Literal(&'static str),
    Named(&'static str),
    /// All that is left, slashes included.
    Rest,
}

/// A last part of this name takes all that is left: the path of a file may have slashes in it,
/// encoded or not.
const REST: &str = "path";

impl Pattern {
    /// Reads `/jobs/{id}/files`.
    pub fn new(path: &'static str) -> Self {
        let parts = path.split('/').filter(|it| !it.is_empty());
        let mut parts: Vec<Part> = parts.map(part).collect();
        if let Some(last) = parts.last_mut()
            && matches!(last, Part::Named(REST))
        {
            *last = Part::Rest;
        }
        Self(parts)
    }

    /// The named parts, when the segments fit.
    pub fn matches(&self, segments: &[String]) -> Option<Params> {
        let takes_rest = matches!(self.0.last(), Some(Part::Rest));
        let fits = match takes_rest {
            true => segments.len() >= self.0.len(),
            false => segments.len() == self.0.len(),
        };
        if !fits {
            return None;
        }
        let mut params = Params::default();
        for (index, (part, segment)) in self.0.iter().zip(segments).enumerate() {
            match part {
                Part::Literal(text) if text != segment => return None,
                Part::Literal(_) => {}
                Part::Named(_) if segment.is_empty() => return None,
                Part::Named(name) => params.0.push((name, segment.clone())),
                Part::Rest => {
                    let rest = segments[index..].join("/");
                    if rest.is_empty() {
                        return None;
                    }
                    params.0.push((REST, rest));
                }
            }
        }
        Some(params)
    }
}

fn part(text: &'static str) -> Part {
    match text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Some(name) => Part::Named(name),
        None => Part::Literal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(raw: &str) -> Vec<String> {
        segments(raw).unwrap()
    }

    #[test]
    fn slashes_in_front_and_one_at_the_end() {
        assert_eq!(cut("//"), Vec::<String>::new());
        assert_eq!(cut("///jobs"), ["jobs"]);
        assert_eq!(cut("//jobs/"), ["jobs"]);
        assert_eq!(cut("/jobs//"), ["jobs", ""]);
        assert_eq!(cut("/a//b"), ["a", "", "b"]);
    }

    #[test]
    fn an_encoded_slash_stays_in_its_segment() {
        assert_eq!(cut("/delegation/a%2Fb"), ["delegation", "a/b"]);
        assert_eq!(segments("/jobs/%ff"), None);
    }

    #[test]
    fn literals_and_names() {
        let pattern = Pattern::new("/jobs/{id}/files");
        let params = pattern.matches(&cut("/jobs/x/files")).unwrap();
        assert_eq!(params.get("id"), "x");
        assert!(pattern.matches(&cut("/jobs/x/dm")).is_none());
        assert!(pattern.matches(&cut("/jobs//files")).is_none());
    }

    #[test]
    fn the_path_of_a_file_has_slashes_in_it() {
        let pattern = Pattern::new("/link/{service}/{path}");
        let path = |raw| {
            let params = pattern.matches(&cut(raw))?;
            assert_eq!(params.get("service"), "s");
            Some(params.get("path").to_owned())
        };
        assert_eq!(path("/link/s/f").unwrap(), "f");
        assert_eq!(path("/link/s/d/e%2Ff").unwrap(), "d/e/f");
        assert_eq!(path("/link/s//d/f").unwrap(), "/d/f");
        assert_eq!(path("/link/s"), None);
        assert_eq!(path("/link/s/"), None);
    }
}

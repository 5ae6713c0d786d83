//! Storage URLs: whatever is accepted comes back as it was, and all its parts can be had.

use causeway_sdk::Url;

/// Input: a text.
pub fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(url) = text.parse::<Url>() else {
        return false;
    };
    assert_eq!(url.as_str(), text);
    assert!(text.starts_with(url.scheme()) && url.authority().contains(url.host()));
    assert_eq!(url.with_path(url.path()), url);
    let bare = url.without_query();
    assert_eq!((bare.path(), bare.query()), (url.path(), None));
    let named = url.query_pairs().filter(|(name, _)| name == "a").count();
    assert_eq!(url.query_values("a").count(), named);
    shows_no_secret(&url);
    climb(url);
    true
}

/// What logs get holds neither a query nor user information.
fn shows_no_secret(url: &Url) {
    let shown = url.redacted();
    assert_eq!(shown.contains('?'), url.query().is_some());
    assert_eq!(shown.ends_with("?<redacted>"), url.query().is_some());
    // It may be too long to be a URL: the mark is longer than a short query.
    if let Ok(shown) = shown.parse::<Url>() {
        assert_eq!(shown.userinfo(), None);
    }
}

/// To the root, in no more steps than there are slashes.
fn climb(mut url: Url) {
    let slashes = url.path().matches('/').count();
    for _ in 0..=slashes {
        let Some(parent) = url.parent() else {
            return;
        };
        assert_eq!(parent.storage(), url.storage());
        assert_eq!(parent.query(), url.query());
        assert_eq!(parent.as_str().parse().as_ref(), Ok(&parent));
        url = parent;
    }
    panic!("{} has more directories than slashes", url.as_str());
}

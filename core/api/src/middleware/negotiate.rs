//! What kind of answer a caller likes best.

use http::HeaderMap;
use http::header::ACCEPT;

use crate::error::ApiError;

/// What a negotiated page is answered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// JSON.
    Json,
    /// A page.
    Html,
}

/// Whether a page is liked better than JSON.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    matches!(shape(headers), Ok(Shape::Html))
}

/// JSON or a page, whichever is liked better; JSON when both are liked the same.
///
/// # Errors
/// 406 when neither will do.
pub fn shape(headers: &HeaderMap) -> Result<Shape, ApiError> {
    let accept: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .collect();
    if accept.iter().all(|it| it.trim().is_empty()) {
        return Ok(Shape::Json);
    }
    let accept = accept.join(",");
    let json = liking(&accept, "application/json");
    let html = liking(&accept, "text/html");
    match (json, html) {
        (0, 0) => Err(ApiError::new(
            http::StatusCode::NOT_ACCEPTABLE,
            "Neither application/json nor text/html is acceptable",
        )),
        (json, html) if html > json => Ok(Shape::Html),
        _ => Ok(Shape::Json),
    }
}

/// Quality in thousandths, by the most specific range that fits.
fn liking(accept: &str, kind: &str) -> u32 {
    let family = kind.split('/').next().unwrap_or("");
    let mut best = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or("").trim().to_ascii_lowercase();
        let specific = match name.as_str() {
            name if name == kind => 3,
            name if name.strip_suffix("/*") == Some(family) => 2,
            "*/*" => 1,
            _ => continue,
        };
        let quality = parts.find_map(|it| it.trim().strip_prefix("q="));
        let quality = quality.map_or(1.0, |it| it.parse::<f32>().unwrap_or(0.0));
        if specific > best.0 {
            best = (specific, (quality.clamp(0.0, 1.0) * 1000.0) as u32);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str) -> Option<Shape> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        shape(&headers).ok()
    }

    #[test]
    fn the_best_liked_shape() {
        assert_eq!(of(""), Some(Shape::Json));
        assert_eq!(of("*/*"), Some(Shape::Json));
        assert_eq!(of("application/json"), Some(Shape::Json));
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(of(browser), Some(Shape::Html));
        assert_eq!(
            of("text/*;q=0.5, application/json;q=0.4"),
            Some(Shape::Html)
        );
        assert_eq!(of("image/png"), None);
        assert_eq!(of("application/json;q=0"), None);
    }
}

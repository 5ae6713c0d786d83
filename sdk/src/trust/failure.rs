//! Finding a TLS failure inside the errors that libraries wrap around it.

use std::error::Error;

/// The TLS failure inside an error; [`std::io::Error`] hides what it wraps from `source`.
pub fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(it) = error.downcast_ref::<rustls::Error>() {
        return Some(it);
    }
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_error(inner).or_else(|| inner.source().and_then(tls_error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_failures_are_found_inside_io_errors() {
        let tls = rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA);
        let error = std::io::Error::other(std::io::Error::other(tls));
        assert!(tls_error(&error).is_some());
        assert!(tls_error(&std::io::Error::other("x")).is_none());
    }
}

//! The API version in the URL.

/// Checks the path of a request; the error is Salesforce's.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty()).skip(1);
    let number = segments.next().and_then(|segment| segment.strip_suffix(".0")).and_then(|digits| digits.parse().ok());
    match number {
        None => Err("400::API version in the URI is mandatory. URI format: '/cometd/66.0'"),
        Some(..OLDEST) => Err(
            "400::Unsupported API version. Only API versions '37.0' and later are supported. URI format: '/cometd/66.0'",
        ),
        Some(OLDEST..) => Ok(()),
    }
}

const OLDEST: u32 = 37;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_demanded_and_not_an_old_one() {
        for (path, starts) in [
            ("/cometd", Some("400::API version")),
            ("/cometd/handshake", Some("400::API version")),
            ("/cometd/64", Some("400::API version")),
            ("/cometd/36.0", Some("400::Unsupported")),
            ("/cometd/37.0", None),
            ("/cometd/67.0/handshake", None),
        ] {
            match (check(path), starts) {
                (Ok(()), None) => {}
                (Err(text), Some(starts)) => assert!(text.starts_with(starts), "{path}: {text}"),
                other => unreachable!("{path}: {other:?}"),
            }
        }
    }
}

//! The `Retry-After` header (RFC 9110, 10.2.3).

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How long the other side asks to wait, in seconds or until a date. What a wrong clock or a wrong server may ask is
/// brought into 1 s to 1 h.
pub(crate) fn of(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn seconds_and_dates_are_brought_into_the_window() {
        let now = httpdate::parse_http_date("Wed, 01 Apr 2026 12:00:00 GMT").unwrap();
        let check = |value: &str, seconds: Option<u64>| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(of(&headers, now), seconds.map(Duration::from_secs), "{value}");
        };
        check("120", Some(120));
        check(" 7 ", Some(7));
        check("0", Some(1));
        check("99999999", Some(3600));
        check("Wed, 01 Apr 2026 12:05:00 GMT", Some(300));
        check("Wed, 01 Apr 2026 11:00:00 GMT", Some(1));
        check("Thu, 02 Apr 2026 12:00:00 GMT", Some(3600));
        check("-1", None);
        check("1.5", None);
        check("soon", None);
        check("", None);
        check("99999999999999999999999", None);
        assert_eq!(of(&HeaderMap::new(), now), None);
    }
}

//! How many of the day's API calls are used, and how many of them are left to others.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::Error;

/// The org's API calls of the last 24 hours, all programs' together (REST API Developer Guide, *Limit Info Header*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Calls used.
    pub used: u64,
    /// Calls that there are.
    pub max: u64,
    /// When Salesforce said so.
    pub at: Instant,
}

impl Usage {
    /// What an answer says in `Sforce-Limit-Info: api-usage=25/15000`; an app with a limit of its own adds
    /// `per-app-api-usage=…`.
    fn of(headers: &HeaderMap, at: Instant) -> Option<Self> {
        let text = headers.get("sforce-limit-info")?.to_str().ok()?;
        let usage = text.split([',', ';']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
        let (used, max) = usage.split_once('/')?;
        Some(Self { used: used.trim().parse().ok()?, max: max.trim().parse().ok()?, at })
    }
}

/// What the calls of an org share: what is used, and what is left to others.
pub(crate) struct Budget(Mutex<Arithmetic>);

impl Budget {
    /// Leaves this share of the calls to others.
    pub(crate) fn new(reserve: f64) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&reserve) {
            return Err(Error::Configuration {
                problem: format!("{reserve} is not a share of the day's API calls that can be left to others"),
                remedy: "give it from 0 (nothing is left to others) to less than 1, as in 0.2",
            });
        }
        Ok(Self(Mutex::new(Arithmetic { reserve, usage: None, probed: None })))
    }

    /// Takes down what the head of an answer says.
    pub(crate) fn see(&self, headers: &HeaderMap, now: Instant) {
        if let Some(usage) = Usage::of(headers, now) {
            self.lock().usage = Some(usage);
        }
    }

    /// Whether a call that can wait may be sent now.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Error> {
        self.lock().admit(now)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.lock().usage
    }

    fn lock(&self) -> MutexGuard<'_, Arithmetic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Arithmetic {
    /// The share that is left to others; 0: none.
    reserve: f64,
    usage: Option<Usage>,
    /// When a call was last let through although there was nothing left for it.
    probed: Option<Instant>,
}

impl Arithmetic {
    fn admit(&mut self, now: Instant) -> Result<(), Error> {
        let Some(Usage { used, max, at }) = self.usage else { return Ok(()) };
        let reserve = (max as f64 * self.reserve).ceil() as u64;
        if max.saturating_sub(used) >= reserve {
            return Ok(());
        }
        let looked = self.probed.map_or(at, |probed| probed.max(at));
        let wait = PROBE.saturating_sub(now.saturating_duration_since(looked));
        if wait.is_zero() {
            self.probed = Some(now);
            return Ok(());
        }
        Err(Error::Reserved { used, max, reserve, wait })
    }
}

/// How often the usage is seen anew while calls are held back: 288 calls a day.
const PROBE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_usage_is_found_among_what_the_header_may_hold() {
        let now = Instant::now();
        let check = |value: &str, expected: Option<(u64, u64)>| {
            let headers = HeaderMap::from_iter([("sforce-limit-info".parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(Usage::of(&headers, now).map(|usage| (usage.used, usage.max)), expected, "{value}");
        };
        check("api-usage=25/15000", Some((25, 15000)));
        check("api-usage=18/5000, per-app-api-usage=17/250(appName=sample-app)", Some((18, 5000)));
        check("per-app-api-usage=17/250(appName=x); api-usage=18/5000", Some((18, 5000)));
        check("per-app-api-usage=17/250", None);
        check("api-usage=many/5000", None);
        check("api-usage=-1/5000", None);
        check("api-usage=25", None);
        check("", None);
        assert_eq!(Usage::of(&HeaderMap::new(), now), None);
    }

    #[test]
    fn calls_wait_once_what_is_left_is_for_others() {
        let at = Instant::now();
        let check = |reserve: f64, used: u64, max: u64, expected: Option<u64>| {
            let mut budget = Arithmetic { reserve, usage: Some(Usage { used, max, at }), probed: None };
            let found = budget.admit(at).err().map(|error| match error {
                Error::Reserved { reserve, .. } => reserve,
                other => unreachable!("{other}"),
            });
            assert_eq!(found, expected, "{reserve} {used}/{max}");
        };
        check(0.0, 15_000, 15_000, None);
        check(0.0, 15_001, 15_000, None);
        check(0.2, 12_000, 15_000, None);
        check(0.2, 12_001, 15_000, Some(3000));
        check(0.2, 20_000, 15_000, Some(3000));
        check(0.5, 0, 1, None);
        check(0.5, 1, 1, Some(1));
        check(0.2, 5, 0, None);
        assert!(Arithmetic { reserve: 0.9, usage: None, probed: None }.admit(at).is_ok(), "nothing was seen yet");
    }

    #[test]
    fn one_call_each_five_minutes_sees_the_usage_anew() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut budget = Arithmetic { reserve: 0.5, usage: Some(Usage { used: 9, max: 10, at: start }), probed: None };
        let wait = |budget: &mut Arithmetic, now: u64| budget.admit(after(now)).err().and_then(|error| error.wait());
        assert_eq!(wait(&mut budget, 0), Some(Duration::from_secs(300)));
        assert_eq!(wait(&mut budget, 299), Some(Duration::from_secs(1)));
        assert_eq!(wait(&mut budget, 300), None);
        // It was lost, or has not come back yet.
        assert_eq!(wait(&mut budget, 301), Some(Duration::from_secs(299)));
        assert_eq!(wait(&mut budget, 600), None);
        // Another call that cannot wait has seen it meanwhile.
        budget.usage = Some(Usage { used: 9, max: 10, at: after(800) });
        assert_eq!(wait(&mut budget, 900), Some(Duration::from_secs(200)));
        budget.usage = Some(Usage { used: 1, max: 10, at: after(900) });
        assert_eq!(wait(&mut budget, 901), None);
        assert_eq!(wait(&mut budget, 902), None);
    }

    #[test]
    fn a_share_is_from_nothing_to_less_than_all() {
        for reserve in [-0.1, 1.0, 20.0, f64::NAN, f64::INFINITY] {
            assert!(Budget::new(reserve).err().unwrap().is_fatal(), "{reserve}");
        }
        assert!(Budget::new(0.0).is_ok() && Budget::new(0.99).is_ok());
    }
}

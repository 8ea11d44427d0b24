//! How long to wait before a feed opens again. The one place that knows the crate `backoff`.

use super::stop::Pace;
use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;
use std::time::Duration;

/// The waits of one feed, or of one org: they grow with each failure in a row, have jitter, and never end.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    row: Option<(Pace, ExponentialBackoff)>,
}

impl Backoff {
    /// The wait before the next opening. `lived` is how long the last one held: one that held a while starts anew.
    pub(crate) fn next(&mut self, pace: Pace, lived: Duration) -> Duration {
        if lived >= HEALTHY {
            self.row = None;
        }
        match &mut self.row {
            Some((known, waits)) if *known == pace => waits.next_backoff().unwrap_or(pace.to),
            // Another trouble in the middle of a row does not start anew: the row goes on, within the new bounds.
            Some((known, waits)) => {
                let grown = waits.current_interval.clamp(pace.from, pace.to);
                *known = pace;
                *waits = ExponentialBackoff { current_interval: grown, ..exponential(pace) };
                waits.next_backoff().unwrap_or(pace.to)
            }
            None => {
                self.row = Some((pace, exponential(pace)));
                jittered(pace.first)
            }
        }
    }
}

fn exponential(pace: Pace) -> ExponentialBackoff {
    ExponentialBackoff {
        initial_interval: pace.from,
        current_interval: pace.from,
        max_interval: pace.to,
        multiplier: 2.0,
        randomization_factor: JITTER,
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    }
}

/// A first wait, scattered like the others: feeds that fall together do not rise together.
fn jittered(wait: Duration) -> Duration {
    if wait.is_zero() {
        wait
    } else {
        exponential(Pace { first: wait, from: wait, to: wait }).next_backoff().unwrap_or(wait)
    }
}

/// An opening that held so long was no part of a row of failures.
const HEALTHY: Duration = Duration::from_secs(10);
/// Waits are scattered by this share to either side.
const JITTER: f64 = 0.3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(waits: &[Duration], pace: Pace) {
        for (index, wait) in waits.iter().enumerate() {
            let middle = pace.from.as_secs_f64() * 2f64.powi(i32::try_from(index).unwrap());
            let middle = middle.min(pace.to.as_secs_f64());
            assert!(
                (wait.as_secs_f64() - middle).abs() <= middle * JITTER + 0.01,
                "{index}: {wait:?} is not around {middle}"
            );
        }
    }

    #[test]
    fn waits_grow_from_to_with_jitter_and_without_end() {
        let pace = Pace::at_once(1, 60);
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(pace, Duration::ZERO), Duration::ZERO);
        let waits: Vec<Duration> = (0..1000).map(|_| backoff.next(pace, Duration::ZERO)).collect();
        check(&waits, pace);
    }

    #[test]
    fn an_opening_that_held_starts_anew_and_one_that_did_not_never_gets_the_short_wait_again() {
        let (quick, slow) = (Pace::at_once(1, 60), Pace::growing(60, 300));
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(quick, Duration::ZERO), Duration::ZERO);
        check(&[backoff.next(slow, Duration::from_secs(9))], slow);
        let at_least = Duration::from_secs(60).mul_f64(1.0 - JITTER);
        for trouble in [quick, slow].into_iter().cycle().take(20) {
            // Two troubles in turn are one row: it grows to the longest wait of each.
            assert!(backoff.next(trouble, Duration::from_secs(9)) >= at_least);
        }
        assert_eq!(backoff.next(quick, HEALTHY), Duration::ZERO);
        check(&[backoff.next(slow, HEALTHY)], slow);
    }
}

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use proptest::prelude::*;

fn identity(number: u32) -> Identity {
    Identity::from_bytes(u128::from(number).to_be_bytes())
}

fn window(delivered: &[u32], last_ms: Option<i64>) -> Window {
    Window { delivered: delivered.iter().copied().map(identity).collect(), last_ms }
}

fn met(repeats: &mut Repeats, number: u32) -> Met {
    repeats.meet(Some(identity(number)), Some(i64::from(number) * 3_600_000))
}

#[test]
fn what_is_in_the_window_is_a_repeat_once() {
    let mut repeats = Repeats::new(window(&[3, 4, 4, 5], Some(5 * 3_600_000)));
    let all: Vec<Met> = [2, 3, 4, 4, 4, 5, 6].into_iter().map(|number| met(&mut repeats, number)).collect();
    assert_eq!(
        all,
        [Met::Unknown, Met::Repeat, Met::Repeat, Met::Repeat, Met::Unknown, Met::Repeat, Met::New],
        "delivered twice, skipped twice"
    );
    assert!(repeats.passed());
}

#[test]
fn an_event_without_identity_is_delivered() {
    let mut repeats = Repeats::new(window(&[1], None));
    assert_eq!(repeats.meet(None, Some(0)), Met::Unknown);
    assert_eq!(repeats.meet(Some(identity(1)), None), Met::Repeat, "known by its identity alone, whatever its time");
}

#[test]
fn it_ends_when_what_comes_is_beyond_the_window_for_long() {
    let mut repeats = Repeats::new(window(&[1, 2], Some(2 * 3_600_000)));
    for number in 0..PATIENCE {
        assert!(!repeats.passed(), "{number}");
        assert_eq!(met(&mut repeats, 10 + number), Met::New);
    }
    assert!(repeats.passed());
    assert!(Repeats::new(window(&[], None)).passed(), "nothing is known, and nothing can be");
    let mut nothing = Repeats::new(window(&[], Some(2 * 3_600_000)));
    assert!(!nothing.passed());
    assert_eq!(met(&mut nothing, 1), Met::Unknown, "it is older than what was delivered last, and counted");
}

proptest! {
    /// Whatever was delivered, whatever is retained of it, in whatever order and however often it comes: each event that
    /// was not delivered as often as it comes is delivered, and none that is in the window is delivered a second time.
    #[test]
    fn none_is_lost_and_none_in_the_window_is_doubled(
        delivered in prop::collection::vec(0_u32..40, 0..60),
        kept in 0_usize..60,
        retained in prop::collection::vec((0_u32..60, prop::option::of(-1_000_000_i64..1_000_000_000)), 0..120),
        last_ms in prop::option::of(0_i64..100_000_000),
    ) {
        let kept = &delivered[delivered.len().saturating_sub(kept)..];
        let mut repeats = Repeats::new(window(kept, last_ms));
        let mut skipped = Vec::new();
        let mut let_through = Vec::new();
        for (number, time_ms) in &retained {
            match repeats.meet(Some(identity(*number)), *time_ms) {
                Met::Repeat => skipped.push(*number),
                Met::Unknown | Met::New => let_through.push(*number),
            }
        }
        for number in 0..60 {
            let count = |all: &[u32]| all.iter().filter(|other| **other == number).count();
            let comes = retained.iter().filter(|(other, _)| *other == number).count();
            prop_assert_eq!(count(&skipped), comes.min(count(kept)), "{} is skipped as often as it was delivered", number);
            prop_assert_eq!(count(&let_through), comes - comes.min(count(kept)));
        }
    }
}

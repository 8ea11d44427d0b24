#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::position::Trace;
use std::ops::Range;
use std::sync::Arc;

const FEED: &str = "changes";
const CHANNEL: &str = "/data/ChangeEvents";

fn identity(number: u32) -> Identity {
    Identity::from_bytes(u128::from(number).to_be_bytes())
}

fn identities(numbers: Range<u32>) -> Vec<Identity> {
    numbers.map(identity).collect()
}

fn save(store: &Store, delivered: Range<u32>, repeated: Range<u32>, passed: bool) {
    let had = |delivered, repeated, passed| Had { channel: CHANNEL.into(), delivered, repeated, passed };
    let trace = Trace { had: vec![had(identities(delivered), identities(repeated), passed)], ..Trace::default() };
    store.save_with(FEED, &[], &trace, Timestamp::now()).unwrap();
}

fn again(folder: &tempfile::TempDir, store: Store) -> Store {
    drop(store);
    Store::open(folder.path()).unwrap()
}

#[test]
fn the_window_is_what_was_delivered_before_less_what_has_come_again_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.repeats(FEED, CHANNEL).unwrap(), None);
    save(&store, 0..3, 0..0, false);
    let store = again(&folder, store);
    save(&store, 3..5, 0..0, false);
    let window = store.begin_repeats(FEED, CHANNEL, Some(7)).unwrap();
    assert_eq!(window, Window { delivered: identities(0..5), last_ms: Some(7) });
    save(&store, 5..6, 0..2, false);
    save(&store, 6..7, 2..3, false);
    let store = again(&folder, store);
    let left = Window { delivered: identities(3..5), last_ms: Some(7) };
    assert_eq!(store.repeats(FEED, CHANNEL).unwrap(), Some(left), "what is delivered meanwhile is not of it");
    assert_eq!(
        store.begin_repeats(FEED, CHANNEL, None).unwrap().delivered,
        identities(0..7),
        "refused again: all of it"
    );
    save(&store, 7..7, 0..1, true);
    assert_eq!(store.repeats(FEED, CHANNEL).unwrap(), None);
    assert_eq!(store.begin_repeats(FEED, CHANNEL, None).unwrap().delivered, identities(0..7), "nothing stays spent");
    assert_eq!(store.begin_repeats("another", CHANNEL, None).unwrap(), Window::default());
}

/// One write holds what several batches had: none of it takes another's place.
#[test]
fn a_channel_may_have_had_something_more_than_once_in_one_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    save(&store, 0..10, 0..0, false);
    store.begin_repeats(FEED, CHANNEL, None).unwrap();
    let had = |delivered: Range<u32>, repeated: Range<u32>| Had {
        channel: CHANNEL.into(),
        delivered: identities(delivered),
        repeated: identities(repeated),
        passed: false,
    };
    let trace = Trace { had: vec![had(10..11, 0..2), had(11..12, 2..4)], ..Trace::default() };
    store.save_with(FEED, &[], &trace, Timestamp::now()).unwrap();
    assert_eq!(store.repeats(FEED, CHANNEL).unwrap().unwrap().delivered, identities(4..10));
    assert_eq!(store.begin_repeats(FEED, CHANNEL, None).unwrap().delivered, identities(0..12));
}

#[test]
fn it_is_bounded_but_not_while_events_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let kept = |store: &Store| store.identities(&place(RECENT, FEED, CHANNEL), 0).unwrap();
    for start in (0..50_000).step_by(700) {
        save(&store, start..start + 700, 0..0, false);
    }
    let all = kept(&store);
    let window = u32::try_from(WINDOW).unwrap();
    assert!((WINDOW as usize..WINDOW as usize + 3 * CHUNK).contains(&all.len()), "{}", all.len());
    assert_eq!(all.last().map(|(_, identity)| *identity), Some(identity(50_399)));
    let delivered = store.begin_repeats(FEED, CHANNEL, None).unwrap().delivered;
    assert_eq!(&delivered[delivered.len() - WINDOW as usize..], identities(50_400 - window..50_400));
    save(&store, 50_400..90_400, 0..0, false);
    assert_eq!(store.repeats(FEED, CHANNEL).unwrap().unwrap().delivered, delivered);
    save(&store, 90_400..90_401, 0..0, true);
    assert!(kept(&store).len() < WINDOW as usize + 3 * CHUNK);
}

#[test]
fn until_when_everything_was_had_belongs_to_one_position() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let at = |id: &str| Position::At { id: id.parse().unwrap(), time_ms: Some(1) };
    let until: Timestamp = "2026-04-04T12:00:00Z".parse().unwrap();
    let seen = Trace { seen: vec![(Arc::from(CHANNEL), until)], ..Trace::default() };
    store.save_with(FEED, &[], &seen, until).unwrap();
    assert_eq!(store.seen_until(FEED, CHANNEL, &at("7")).unwrap(), None, "there is no position");
    store.save_with(FEED, &[(CHANNEL, &at("7"))], &Trace::default(), until).unwrap();
    store.save_with(FEED, &[], &seen, until).unwrap();
    let store = again(&folder, store);
    assert_eq!(store.seen_until(FEED, CHANNEL, &at("7")).unwrap(), Some(until));
    assert_eq!(store.seen_until(FEED, CHANNEL, &at("6")).unwrap(), None, "set back by hand");
}

#![allow(clippy::unwrap_used)]

use super::*;

fn moved(feed: &str, channel: &str, to: Option<&str>) -> Entry {
    let at = Timestamp::from_millisecond(1_775_000_001_000).unwrap();
    let to = to.map(|id| Position::At { id: id.parse().unwrap(), time_ms: None });
    let (feed, channel) = (feed.to_owned(), channel.to_owned());
    Entry { feed, channel, at, by: "me".to_owned(), reason: None, from: None, to }
}

fn kept(store: &Store, feed: &str) -> Vec<String> {
    let id = |entry: Entry| match entry.to {
        Some(Position::At { id, .. }) => id.to_string(),
        other => format!("{other:?}"),
    };
    store.history(feed).unwrap().into_iter().map(id).collect()
}

#[test]
fn the_last_hundred_changes_of_a_feed_are_kept_over_restarts_and_none_of_one_change_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.change_by_hand(&[moved("other", "/data/X", Some("1"))]).unwrap();
    for id in 1..=105 {
        if id % 50 == 0 {
            drop(store);
            store = Store::open(folder.path()).unwrap();
        }
        store.change_by_hand(&[moved("a", "/data/X", Some(&id.to_string()))]).unwrap();
    }
    let expected: Vec<String> = (6..=105).map(|id| id.to_string()).collect();
    assert_eq!(kept(&store, "a"), expected);
    assert_eq!(kept(&store, "other"), ["1"], "another feed's history is its own");
    let many: Vec<Entry> = (0..150).map(|n| moved("a", &format!("/event/E{n}__e"), Some("7"))).collect();
    store.change_by_hand(&many).unwrap();
    assert_eq!(kept(&store, "a"), vec!["7"; 150]);
    assert_eq!(store.feeds_with_history().unwrap(), ["a", "other"]);
}

#[test]
fn a_removed_position_leaves_its_number_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.change_by_hand(&[moved("a", "/data/X", Some("1"))]).unwrap();
    store.change_by_hand(&[moved("a", "/data/X", None)]).unwrap();
    assert!(store.of_feed("a").unwrap().is_empty());
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    store.change_by_hand(&[moved("a", "/data/X", Some("2"))]).unwrap();
    assert_eq!(store.of_feed("a").unwrap().pop().unwrap().commit_seq, 3, "no number is given twice");
    assert_eq!(kept(&store, "a"), ["1", "None", "2"]);
}

#[test]
fn what_was_to_be_skipped_as_a_repeat_is_not_after_a_change_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.begin_repeats("a", "/data/X", None).unwrap();
    assert!(store.repeats("a", "/data/X").unwrap().is_some());
    store.change_by_hand(&[moved("a", "/data/X", Some("1"))]).unwrap();
    assert_eq!(store.repeats("a", "/data/X").unwrap(), None);
}

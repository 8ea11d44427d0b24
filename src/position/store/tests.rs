#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn at(id: &str) -> Position {
    Position::At { id: id.parse().unwrap(), time_ms: Some(1_775_000_000_000) }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_775_000_001_000).unwrap()
}

fn binding(org: &str, cluster: &str) -> Binding {
    Binding { org: org.to_owned(), cluster: cluster.to_owned() }
}

#[test]
fn positions_are_kept_by_feed_and_channel_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Position::Begun { date: now() };
    let store = Store::open(folder.path()).unwrap();
    store.save("a", &[("/data/X", &at("9007199254740993123456")), ("/event/Y__e", &begun)], now()).unwrap();
    store.save("a", &[("/data/X", &at("3"))], now()).unwrap();
    store.save("ab", &[("/data/X", &at("7"))], now()).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let of_a: Vec<_> =
        store.of_feed("a").unwrap().into_iter().map(|it| (it.channel, it.position, it.commit_seq)).collect();
    // The lower id is kept: replay ids are opaque and never compared.
    assert_eq!(of_a, [("/data/X".to_owned(), at("3"), 2), ("/event/Y__e".to_owned(), begun, 1)]);
    store.save("a", &[("/data/X", &at("4"))], now()).unwrap();
    assert_eq!(store.list().unwrap().into_iter().map(|it| it.unwrap().commit_seq).max(), Some(4), "the number goes on");
}

#[test]
fn a_replay_id_of_any_size_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let huge = at("9007199254740993123456");
    store.save("a", &[("/data/X", &huge)], now()).unwrap();
    assert_eq!(store.of_feed("a").unwrap().pop().unwrap().position, huge);
}

#[test]
fn a_feed_s_positions_belong_to_one_org_and_one_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.bind("a", &binding("00D1", "k1")).unwrap();
    store.bind("a", &binding("00D2", "k1")).unwrap(); // nothing saved yet
    store.save("a", &[("/data/X", &at("1"))], now()).unwrap();
    store.bind("a", &binding("00D2", "k1")).unwrap();
    let refused = store.bind("a", &binding("00D1", "k1")).unwrap_err().to_string();
    assert!(refused.contains("belong to org 00D2, but this is 00D1"), "{refused}");
    let refused = store.bind("a", &binding("00D2", "k2")).unwrap_err().to_string();
    assert!(refused.contains("belong to Kafka cluster k1, but this is k2"), "{refused}");
    store.bind("b", &binding("00D1", "k2")).unwrap();
}

#[test]
fn a_store_in_use_names_the_process_and_may_be_read_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.save("a", &[("/data/X", &at("1"))], now()).unwrap();
    let Err(refused) = Store::open(folder.path()) else { panic!("opened twice") };
    assert!(refused.to_string().ends_with(&format!("is in use by pid {}", std::process::id())), "{refused}");
    assert_eq!(Store::open_to_read(folder.path()).unwrap().list().unwrap().len(), 1);
}

#[test]
fn a_store_of_a_newer_format_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    std::fs::write(folder.path().join("FORMAT"), "2\n").unwrap();
    let files = |path: &Path| {
        let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|it| it.unwrap()).collect();
        files.sort_by_key(std::fs::DirEntry::path);
        let stamp = |it: &std::fs::DirEntry| {
            (it.path(), it.metadata().unwrap().len(), it.metadata().unwrap().modified().unwrap())
        };
        files.iter().map(stamp).collect::<Vec<_>>()
    };
    let before = (files(folder.path()), files(&folder.path().join(DATABASE)));
    for refused in [Store::open(folder.path()), Store::open_to_read(folder.path())] {
        assert!(matches!(refused, Err(Error::Newer { .. })));
    }
    assert_eq!((files(folder.path()), files(&folder.path().join(DATABASE))), before);
}

#[test]
fn one_unreadable_position_stops_its_feed_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.save("good", &[("/data/X", &at("1"))], now()).unwrap();
    store.db.put(key(POSITION, "bad", Some("/data/X")), b"x").unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert!(matches!(store.of_feed("bad"), Err(Error::Unreadable { .. })));
    assert_eq!(store.of_feed("good").unwrap().len(), 1);
    let listed: Vec<bool> = store.list().unwrap().iter().map(Result::is_ok).collect();
    assert_eq!(listed, [false, true]);
}

#[test]
fn format_1_is_read_as_the_first_version_wrote_it() {
    let written = br#"{"commit_seq":7,"written_ms":1775000001000,"at":{"id":"42","time_ms":1775000000000}}"#;
    let saved = read(b"position\0a\0/data/X", written).unwrap();
    assert_eq!((saved.position, saved.commit_seq), (at("42"), 7));
    let begun = br#"{"commit_seq":1,"written_ms":1775000001000,"begun":{"date":"2026-03-31T23:33:21Z"}}"#;
    assert_eq!(read(b"position\0a\0/data/X", begun).unwrap().position, Position::Begun { date: now() });
    assert_eq!(serde_json::to_vec(&Record::new(&at("42"), 7, 1_775_000_001_000)).unwrap(), written);
    // The first version knows no `earliest`: it reads a beginning before all events, which asks for the same.
    let earliest = br#"{"commit_seq":1,"written_ms":1775000001000,"begun":{"date":"1970-01-01T00:00:00Z"}}"#;
    assert_eq!(serde_json::to_vec(&Record::new(&Position::Earliest, 1, 1_775_000_001_000)).unwrap(), earliest);
    assert_eq!(read(b"position\0a\0/data/X", earliest).unwrap().position, Position::Earliest);
    for broken in [&b"{}"[..], b"x", br#"{"commit_seq":1,"written_ms":1,"at":{"id":"x"}}"#] {
        assert!(matches!(read(b"position\0a\0/data/X", broken), Err(Error::Unreadable { .. })));
    }
}

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const HEADER: &str = r#"{"crossfeed_positions":1,"exported_at":"2026-03-31T23:33:21Z","bindings":{}}"#;
const LINE: &str = r#"{"feed":"f","channel":"/data/X","position":{"at":{"id":"42"}}}"#;

#[track_caller]
fn refused(text: &str, expected: &str) {
    let Err(said) = read(text) else { panic!("understood: {text}") };
    assert!(said.contains(expected), "{said}");
}

#[test]
fn what_is_written_is_read() {
    let positions = [
        Position::Earliest,
        Position::Begun { date: "2026-03-31T23:33:21Z".parse().unwrap() },
        Position::At { id: "9007199254740993123456".parse().unwrap(), time_ms: Some(1_775_000_000_000) },
    ];
    let lines = positions.iter().enumerate().map(|(index, position)| {
        let channel = format!("/data/X{index}");
        as_line(&Line { feed: "f".to_owned(), channel, position: position.clone(), saved_at: None })
    });
    let text = std::iter::once(HEADER.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
    let (_, lines) = read(&text).unwrap();
    let read: Vec<Position> = lines.into_iter().map(|line| line.position).collect();
    assert_eq!(read, positions);
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    refused("", "1: this is no file that");
    refused("FEED  CHANNEL  POSITION", "1: this is no file that");
    refused(LINE, "1: this is no file that");
    refused(r#"{"crossfeed_positions":2,"anything":"else"}"#, "1: format 2; this version knows format 1");
    refused(r#"{"crossfeed_positions":1}"#, "1: missing field");
    refused(&format!("{HEADER}\n{LINE}\n\n{LINE}"), "4: the channel /data/X of feed `f` is named twice");
    for (wrong, expected) in [
        (r#"{"at":{"id":"-2"}}"#, "2: "),
        (r#"{"at":{"id":42}}"#, "2: invalid type"),
        (r#""latest""#, "2: unknown variant"),
        (r#"{"begun":{"date":"yesterday"}}"#, "2: "),
        ("{", "2: "),
    ] {
        refused(&format!("{HEADER}\n{}", LINE.replace(r#"{"at":{"id":"42"}}"#, wrong)), expected);
    }
}

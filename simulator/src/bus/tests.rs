#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::event::Wish;

const ACCOUNTS: &str = "/data/AccountChangeEvent";

fn bus(retention: Duration) -> Bus {
    let bus = Bus::new(Some(7), retention);
    for channel in channel::KNOWN {
        assert!(bus.add(channel));
    }
    bus
}

fn publish(bus: &Bus, channel: &str, count: u64) -> Vec<i64> {
    let stream = bus.stream(channel).unwrap();
    let wish = Wish { bytes: 1000, record_ids: 1, change_type: "UPDATE" };
    let before = usize::try_from(stream.made()).unwrap();
    bus.publish(&stream, &Template::invented(channel, stream.kind, None, wish), count);
    stream.ledger(before, usize::MAX).iter().map(|row| row.replay_id).collect()
}

/// What a subscription at `place` gets in one reply of at most `limit` bytes.
fn deliver(stream: &Stream, place: &mut u64, limit: usize) -> Vec<i64> {
    let mut out = Vec::new();
    stream.deliver(place, &stream.channel, &mut out, limit, |_| true);
    out.insert(0, b'[');
    out.extend_from_slice(b"{}]");
    let values: Vec<Value> = serde_json::from_slice(&out).unwrap();
    values.iter().filter_map(|value| value.pointer("/data/event/replayId")?.as_i64()).collect()
}

#[test]
fn replay_ids_rise_with_gaps_of_one_to_nine() {
    let ids = publish(&bus(DAY), "/event/Low_Ink__e", 2000);
    let gaps: Vec<i64> = ids.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| (1..=9).contains(gap)) && gaps.contains(&9) && gaps.contains(&1));
    assert!(ids[0] >= 1_000_000);
}

#[test]
fn a_seed_makes_ids_repeatable() {
    assert_eq!(publish(&bus(DAY), ACCOUNTS, 50), publish(&bus(DAY), ACCOUNTS, 50));
}

#[test]
fn ids_of_a_stream_are_exclusive_and_others_are_refused() {
    let bus = bus(DAY);
    let ids = publish(&bus, ACCOUNTS, 10);
    let stream = bus.stream(ACCOUNTS).unwrap();
    assert_eq!(deliver(&stream, &mut stream.after(ids[3]).unwrap(), usize::MAX), ids[4..]);
    assert_eq!(deliver(&stream, &mut stream.earliest(), usize::MAX), ids);
    assert!(deliver(&stream, &mut stream.tip(), usize::MAX).is_empty());
    let never = (ids[0]..).find(|id| !ids.contains(id)).unwrap();
    let foreign = publish(&bus, "/data/LeadChangeEvent", 1)[0];
    for id in [0, -3, never, foreign, ids[9] + 1] {
        assert!(stream.after(id).is_err(), "{id}");
    }
}

#[test]
fn a_change_event_has_one_id_and_the_same_bytes_on_both_its_channels() {
    let bus = bus(DAY);
    let mut ids = publish(&bus, ACCOUNTS, 3);
    ids.extend(publish(&bus, "/data/LeadChangeEvent", 2));
    let all = bus.stream(ALL_CHANGES).unwrap();
    assert_eq!(deliver(&all, &mut all.earliest(), usize::MAX), ids);
    let crcs = |stream: &Stream| stream.ledger(0, 3).iter().map(|row| row.crc32).collect::<Vec<_>>();
    assert_eq!(crcs(&all), crcs(&bus.stream(ACCOUNTS).unwrap()));
}

#[test]
fn a_reply_is_bounded_but_always_has_one_event() {
    let bus = bus(DAY);
    let ids = publish(&bus, ACCOUNTS, 5);
    let stream = bus.stream(ACCOUNTS).unwrap();
    let mut place = 0;
    assert_eq!(deliver(&stream, &mut place, 1), ids[..1]);
    assert_eq!(deliver(&stream, &mut place, 3500), ids[1..4]);
    assert_eq!(deliver(&stream, &mut place, usize::MAX), ids[4..]);
}

#[test]
fn after_expiry_no_id_so_far_is_good() {
    let bus = bus(DAY);
    let ids = publish(&bus, ACCOUNTS, 5);
    let stream = bus.stream(ACCOUNTS).unwrap();
    stream.expire(0);
    stream.trim(None);
    assert!(ids.iter().all(|id| stream.after(*id).is_err()));
    let more = publish(&bus, ACCOUNTS, 2);
    assert_eq!(deliver(&stream, &mut stream.earliest(), usize::MAX), more);
    assert_eq!(deliver(&stream, &mut stream.after(more[0]).unwrap(), usize::MAX), more[1..]);
    assert_eq!(stream.ledger(0, 100).len(), 7, "the ledger outlives retention");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what ages, ages by the clock")]
fn with_age_only_the_last_id_before_the_retained_ones_is_good() {
    let retention = Duration::from_millis(30);
    let bus = bus(retention);
    let ids = publish(&bus, ACCOUNTS, 3);
    std::thread::sleep(retention * 2);
    let more = publish(&bus, ACCOUNTS, 1);
    let stream = bus.stream(ACCOUNTS).unwrap();
    assert!(stream.after(ids[1]).is_err());
    let mut place = stream.after(ids[2]).unwrap();
    assert_eq!(deliver(&stream, &mut place, usize::MAX), more);
}

#[test]
fn a_live_session_gets_what_aged_out_while_it_waited() {
    let bus = bus(DAY);
    let ids = publish(&bus, ACCOUNTS, 4);
    let stream = bus.stream(ACCOUNTS).unwrap();
    let mut place = 2;
    stream.expire(0);
    stream.trim(Some(place));
    assert_eq!(deliver(&stream, &mut place, usize::MAX), ids[2..]);
}

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use serde_json::{Map, Value, json};

const IDS: [&str; 3] = ["001A", "001B", "001C"];

/// What Kafka has in the tests: partition, key, replay id, value.
type Record = (i32, Option<String>, String, Vec<u8>);

/// Thirty events about one of three records each, then one about all three, and one about none. Replay ids have gaps.
fn events() -> Vec<(Made, Vec<u8>)> {
    let event = |number: usize, ids: &[&str]| {
        let value = format!(r#"{{"n":{number}}}"#).into_bytes();
        let made = Made {
            replay_id: 1_000 + 3 * number as i64,
            uuid: None,
            record_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            crc32: crc32fast::hash(&value),
            bytes: u32::try_from(value.len()).unwrap(),
        };
        (made, value)
    };
    let mut events: Vec<_> = (0..30).map(|number| event(number, &[IDS[number % 3]])).collect();
    events.extend([event(30, &IDS), event(31, &[])]);
    events
}

/// As a faultless bridge delivers them: a key has its partition.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for (made, value) in events() {
        let id = made.replay_id.to_string();
        for key in &made.record_ids {
            let partition = IDS.iter().position(|known| known == key).unwrap() as i32;
            records.push((partition, Some(key.clone()), id.clone(), value.clone()));
        }
        if made.record_ids.is_empty() {
            records.push((0, None, id, value));
        }
    }
    records
}

fn verdict(keyed: Keyed, records: &[Record]) -> Verdict {
    let mut outward = Outward::new(keyed);
    events().iter().for_each(|(made, _)| outward.made(made));
    for (partition, key, id, value) in records {
        let key = key.as_ref().map(String::as_bytes);
        outward.arrived(&Arrived { partition: *partition, key, replay_id: Some(id), value });
    }
    outward.verdict()
}

#[track_caller]
fn check(plant: impl Fn(&mut Vec<Record>), wanted: Verdict) {
    let mut records = records();
    plant(&mut records);
    let found = verdict(Keyed::ByRecord, &records);
    assert_eq!(found, Verdict { made: 34, arrived: records.len() as u64, ..wanted });
    assert_eq!(found.is_exact(), wanted == Verdict::default());
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    check(|_| {}, Verdict::default());
    // Partitions have no mutual order.
    check(|records| records.sort_by_key(|record| -record.0), Verdict::default());
}

#[test]
fn a_planted_loss_is_found() {
    check(|records| drop(records.remove(7)), Verdict { lost: 1, ..Verdict::default() });
    // One of the three records of a merged event.
    check(|records| drop(records.remove(31)), Verdict { lost: 1, ..Verdict::default() });
    check(|records| drop(records.pop()), Verdict { lost: 1, ..Verdict::default() });
    check(Vec::clear, Verdict { lost: 34, ..Verdict::default() });
}

#[test]
fn a_planted_double_is_found_and_is_no_disorder() {
    check(|records| records.push(records[3].clone()), Verdict { doubled: 1, ..Verdict::default() });
    check(|records| records.extend_from_within(10..20), Verdict { doubled: 10, ..Verdict::default() });
    let mut twice = records();
    twice.extend_from_within(..);
    let found = verdict(Keyed::ByRecord, &twice);
    assert!(found.is_whole() && !found.is_exact() && found.doubled == 34, "{found}");
}

#[test]
fn a_double_does_not_stand_in_for_what_is_lost() {
    check(|records| records[8] = records[5].clone(), Verdict { lost: 1, doubled: 1, ..Verdict::default() });
}

#[test]
fn a_planted_swap_is_found() {
    // 3 and 6 have one key, 3 and 4 have not.
    check(|records| records.swap(3, 6), Verdict { out_of_order: 1, ..Verdict::default() });
    check(|records| records.swap(3, 4), Verdict::default());
    check(
        |records| {
            let late = records.remove(0);
            records.push(late);
        },
        Verdict { out_of_order: 1, ..Verdict::default() },
    );
}

#[test]
fn a_planted_alteration_is_found() {
    check(|records| records[5].3.push(b' '), Verdict { altered: 1, ..Verdict::default() });
    check(|records| records[5].3 = records[8].3.clone(), Verdict { altered: 1, ..Verdict::default() });
}

#[test]
fn what_was_never_made_is_unknown() {
    check(|records| records[5].2 = "7".to_owned(), Verdict { lost: 1, unknown: 1, ..Verdict::default() });
    check(|records| records[5].2 = "no number".to_owned(), Verdict { lost: 1, unknown: 1, ..Verdict::default() });
    check(|records| records[5].1 = Some(IDS[0].to_owned()), Verdict { lost: 1, unknown: 1, ..Verdict::default() });
    check(|records| records[5].1 = None, Verdict { lost: 1, unknown: 1, ..Verdict::default() });
}

#[test]
fn with_any_key_an_event_is_one_record() {
    let mut records = records();
    records.remove(32);
    records.remove(31);
    for record in &mut records {
        (record.0, record.1) = (0, Some("same".to_owned()));
    }
    let found = verdict(Keyed::Anyhow, &records);
    assert_eq!(found, Verdict { made: 32, arrived: 32, ..Verdict::default() });
}

fn shipment(number: i64) -> Map<String, Value> {
    json!({"Seq__c": number, "Note__c": format!("note {number}")}).as_object().unwrap().clone()
}

/// Twenty records over three keys.
#[track_caller]
fn check_way_back(plant: impl Fn(&mut Vec<Map<String, Value>>), wanted: Verdict) {
    let mut sent = WayBack::default();
    (0..20).for_each(|number| sent.sent(&[number as u8 % 3], &shipment(number)));
    let mut accepted: Vec<_> = (0..20).map(shipment).collect();
    plant(&mut accepted);
    accepted.iter().for_each(|fields| sent.accepted(fields));
    assert_eq!(sent.verdict(), Verdict { made: 20, arrived: accepted.len() as u64, ..wanted });
}

#[test]
fn the_way_back_is_seen_through_too() {
    check_way_back(|_| {}, Verdict::default());
    check_way_back(|accepted| drop(accepted.remove(7)), Verdict { lost: 1, ..Verdict::default() });
    check_way_back(|accepted| accepted.push(accepted[2].clone()), Verdict { doubled: 1, ..Verdict::default() });
    check_way_back(|accepted| accepted.swap(3, 6), Verdict { out_of_order: 1, ..Verdict::default() });
    check_way_back(|accepted| accepted.swap(3, 4), Verdict::default());
    let altered = Verdict { altered: 1, ..Verdict::default() };
    check_way_back(|accepted| drop(accepted[3].insert("Note__c".to_owned(), json!("other"))), altered);
    let unknown = Verdict { lost: 1, unknown: 1, ..Verdict::default() };
    check_way_back(|accepted| accepted[3] = shipment(77), unknown);
}

use serde_json::{Value, json};

use super::*;
use crate::object::{Definitions, Refusal};

fn account() -> std::sync::Arc<Definition> {
    Definitions::new().find("Account").unwrap()
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.unwrap_err().code
}

#[test]
fn what_was_written_can_be_taken_back() {
    let (of, mut store) = (account(), Store::default());
    let kept = insert(&mut store, &of, fields(json!({"Name": "A", "External_Id__c": "1"}))).unwrap();
    let mark = store.mark();
    let gone = insert(&mut store, &of, fields(json!({"Name": "B", "External_Id__c": "2"}))).unwrap();
    update(&mut store, &of, &kept, fields(json!({"External_Id__c": "3"}))).unwrap();
    delete(&mut store, &of, &kept).unwrap();
    store.roll_back(mark);
    assert_eq!(code(live(&store, &of, &gone)), "NOT_FOUND");
    assert_eq!(live(&store, &of, &kept).unwrap().1.value(&kept, "External_Id__c"), "1");
    for (value, found) in [("1", Found::One(kept)), ("2", Found::Nothing), ("3", Found::Nothing)] {
        assert_eq!(find(&store, &of, "External_Id__c", &json!(value)).unwrap().2, found, "{value}");
    }
    assert_eq!(store.keys.len(), 1, "nothing stays behind in the index");
}

#[test]
fn a_unique_value_is_free_again_after_its_record_is_deleted_or_changed() {
    let (of, mut store) = (account(), Store::default());
    let record = || fields(json!({"Name": "A", "External_Id__c": "1"}));
    let first = insert(&mut store, &of, record()).unwrap();
    assert_eq!(code(insert(&mut store, &of, record())), "DUPLICATE_VALUE");
    update(&mut store, &of, &first, fields(json!({"External_Id__c": "1"}))).unwrap();
    delete(&mut store, &of, &first).unwrap();
    let second = insert(&mut store, &of, record()).unwrap();
    update(&mut store, &of, &second, fields(json!({"External_Id__c": null}))).unwrap();
    insert(&mut store, &of, record()).unwrap();
}

#[test]
fn numbers_are_found_by_value() {
    let mut of = (*account()).clone();
    of.fields[2].external_id = true;
    let mut store = Store::default();
    for number in [json!(5), json!(5.0)] {
        insert(&mut store, &of, fields(json!({"Name": "A", "AnnualRevenue": number}))).unwrap();
    }
    let found = find(&store, &of, "AnnualRevenue", &json!("5")).unwrap().2;
    assert!(matches!(found, Found::Several(ids) if ids.len() == 2));
    assert_eq!(code(find(&store, &of, "AnnualRevenue", &json!("five"))), "MISSING_ARGUMENT");
    assert_eq!(code(find(&store, &of, "Name", &json!("A"))), "NOT_FOUND");
}

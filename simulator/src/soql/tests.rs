use serde_json::json;

use super::*;

fn check(text: &str, fields: &[&str], object: &str, conditions: &[(&str, Value)], limit: Option<usize>) {
    let conditions = conditions
        .iter()
        .map(|(field, any_of)| Condition { field: (*field).to_owned(), any_of: any_of.as_array().unwrap().clone() });
    let wanted = Query {
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        object: object.to_owned(),
        conditions: conditions.collect(),
        limit,
    };
    assert_eq!(parse(text), Ok(wanted), "{text}");
}

#[test]
fn what_is_understood() {
    check("SELECT Id FROM Account", &["Id"], "Account", &[], None);
    check("select Id,Name from Account limit 5", &["Id", "Name"], "Account", &[], Some(5));
    check(
        " SELECT Id , A__c FROM X__c WHERE A__c='v' AND B__c IN ( 'a','b' ) LIMIT 1 ",
        &["Id", "A__c"],
        "X__c",
        &[("A__c", json!(["v"])), ("B__c", json!(["a", "b"]))],
        Some(1),
    );
    check(
        r"SELECT Id FROM A WHERE N = 'it\'s \\ AND LIMIT'",
        &["Id"],
        "A",
        &[("N", json!([r"it's \ AND LIMIT"]))],
        None,
    );
    check("SELECT Id FROM A WHERE N IN(true, NULL,-1.5)", &["Id"], "A", &[("N", json!([true, null, -1.5]))], None);
    check("SELECT Id FROM A WHERE N = ''", &["Id"], "A", &[("N", json!([""]))], None);
}

#[test]
fn everything_else_is_refused() {
    for (text, column) in [
        ("", 1),
        ("SELECT FROM Account", 13),
        ("SELECT Id", 10),
        ("SELECT Id, FROM Account", 17),
        ("SELECT COUNT() FROM Account", 13),
        ("SELECT Owner.Name FROM Account", 13),
        ("SELECT Id FROM Account ORDER BY Id", 24),
        ("SELECT Id FROM Account WHERE Name", 34),
        ("SELECT Id FROM Account WHERE Name != 'a'", 35),
        ("SELECT Id FROM Account WHERE Name = 'a' OR Name = 'b'", 41),
        ("SELECT Id FROM Account WHERE Name = 'a", 35),
        ("SELECT Id FROM Account WHERE Name IN ()", 39),
        (r"SELECT Id FROM Account WHERE Name = '\q'", 35),
        ("SELECT Id FROM Account LIMIT x", 30),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2", 32),
    ] {
        let why = parse(text).unwrap_err();
        let place = why.strip_prefix("ERROR at Row:1:Column:").and_then(|rest| rest.split_once('\n'));
        assert_eq!(place.unwrap().0, column.to_string(), "{text}: {why}");
    }
}

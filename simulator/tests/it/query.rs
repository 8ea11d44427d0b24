//! Queries.

use serde_json::{Value, json};
use simulator::Options;

use crate::client::{Rest, org, quick};

/// The values of one field.
async fn check(rest: &Rest<'_>, soql: &str, field: &str, wanted: Value) {
    let reply = rest.query(soql).await;
    let values: Vec<Value> = reply["records"].as_array().unwrap().iter().map(|row| row[field].clone()).collect();
    assert_eq!(json!(values), wanted, "{soql}");
    assert_eq!((&reply["totalSize"], &reply["done"]), (&json!(values.len()), &json!(true)));
}

#[tokio::test]
async fn records_are_found_by_their_fields() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let mut ids = Vec::new();
    for (name, revenue) in [("A", json!(1)), ("B's", json!(2)), ("C", Value::Null)] {
        ids.push(rest.create("Account", json!({"Name": name, "AnnualRevenue": revenue})).await);
    }
    for (condition, wanted) in [
        ("", json!(["A", "B's", "C"])),
        ("WHERE Name = 'A'", json!(["A"])),
        (r"where name='B\'s'", json!(["B's"])),
        ("WHERE Name IN ('A', 'C', 'D')", json!(["A", "C"])),
        ("WHERE Name IN ('A','C') AND AnnualRevenue = null", json!(["C"])),
        ("WHERE AnnualRevenue = 2.0", json!(["B's"])),
        ("WHERE Name = 'a'", json!([])),
        (&format!("WHERE Id = '{}'", ids[1].get(..15).unwrap()), json!(["B's"])),
        ("LIMIT 2", json!(["A", "B's"])),
    ] {
        check(&rest, &format!("SELECT Id, Name FROM Account {condition}"), "Name", wanted).await;
    }
    let row = rest.query("SELECT name FROM account LIMIT 1").await["records"][0].clone();
    let url = format!("/services/data/v64.0/sobjects/Account/{}", ids[0]);
    assert_eq!(row, json!({"attributes": {"type": "Account", "url": url}, "Name": "A"}));
    rest.call(&format!("DELETE sobjects/Account/{}", ids[0]), Value::Null).await;
    check(&rest, "SELECT Name FROM Account", "Name", json!(["B's", "C"])).await;
    let all = rest.get("queryAll?q=SELECT+IsDeleted+FROM+Account").await.json();
    assert_eq!((&all["totalSize"], &all["records"][0]["IsDeleted"]), (&json!(3), &json!(true)));
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for (soql, code) in [
        ("SELECT Id FROM Account ORDER BY Name", "MALFORMED_QUERY"),
        ("SELECT COUNT() FROM Account", "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nope = 'a'", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM Shipment__e", "INVALID_TYPE"),
        ("SELECT Id FROM PlatformEventChannel", "INVALID_TYPE"),
    ] {
        let reply = org.send(rest.asking(soql)).await;
        assert_eq!((reply.status, &reply.json()[0]["errorCode"]), (400, &json!(code)), "{soql}");
    }
    rest.refused("GET query/01gxx0000000001AAA-3", json!({}), 400, "INVALID_QUERY_LOCATOR").await;
}

#[tokio::test]
async fn the_org_and_its_channels_can_be_asked_for() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    check(&rest, "SELECT Id, IsSandbox FROM Organization", "Id", json!(["00Dxx0000001gPLEAY"])).await;
    let user = "SELECT Id FROM User WHERE Username = 'integration@simulator.example' AND IsActive = true";
    check(&rest, user, "Id", json!(["005xx000001SwiUAAS"])).await;
    check(&rest, "SELECT Id, Query FROM PushTopic WHERE Name = 'InvoiceUpdates'", "Query", {
        json!(["SELECT Id, Name, Seq__c, Status__c, Description__c FROM Invoice__c"])
    })
    .await;
    check(&rest, "SELECT Id, Name FROM StreamingChannel", "Name", json!(["/u/notifications/Ops"])).await;
    let custom = async || {
        let reply = rest.get("tooling/query?q=SELECT+DeveloperName,ChannelType+FROM+PlatformEventChannel").await.json();
        let rows = reply["records"].as_array().unwrap().clone();
        rows.iter().map(|row| (row["DeveloperName"].clone(), row["ChannelType"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(custom().await, []);
    for channel in ["/data/Sales__chn", "/event/Orders__chn", "/u/more"] {
        org.control("channels", json!({"channel": channel})).await;
    }
    assert_eq!(custom().await, [(json!("Sales"), json!("data")), (json!("Orders"), json!("event"))]);
    check(&rest, "SELECT Name FROM StreamingChannel", "Name", json!(["/u/more", "/u/notifications/Ops"])).await;
}

#[tokio::test]
async fn long_results_come_in_pages() {
    let org = org(Options { query_page: 2, ..quick() }).await;
    let rest = org.rest().await;
    for number in 0..5 {
        rest.create("Account", json!({"Name": number.to_string()})).await;
    }
    let mut page = rest.query("SELECT Name FROM Account").await;
    let mut names = Vec::new();
    rest.create("Account", json!({"Name": "late"})).await;
    loop {
        assert_eq!(page["totalSize"], 5);
        names.extend(page["records"].as_array().unwrap().iter().map(|row| row["Name"].clone()));
        let Some(next) = page["nextRecordsUrl"].as_str() else { break };
        assert_eq!(page["done"], false);
        page = rest.get(next.strip_prefix("/services/data/v64.0/").unwrap()).await.json();
    }
    assert_eq!((names, &page["done"]), (["0", "1", "2", "3", "4"].map(Value::from).to_vec(), &json!(true)));
}

#[tokio::test]
async fn the_client_chooses_pages_of_200_to_2000() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    for _ in 0..3 {
        let records = vec![json!({"attributes": {"type": "Account"}, "Name": "A"}); 200];
        rest.call("POST composite/sobjects", json!({"records": records})).await;
    }
    for (wanted, got) in [("batchSize=500", 500), ("batchSize=1", 200), ("batchSize=9999", 600), ("", 600)] {
        let request = rest.asking("SELECT Id FROM Account");
        let reply = org.send(request.header("sforce-query-options", wanted)).await.json();
        assert_eq!(reply["records"].as_array().unwrap().len(), got, "{wanted}");
    }
}

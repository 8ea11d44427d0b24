//! Custom channels, monitoring streams, and generic channels of several segments.

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, Org, Reply, org, quick};

const SALES: &str = "/data/Sales__chn";
const LEADS: &str = "/data/LeadChangeEvent";

async fn compose(org: &Org, more: Value) {
    let mut order = json!({"channel": SALES, "members": ["AccountChangeEvent", LEADS]});
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    org.control("channels", order).await;
}

/// The `data` of a reply's events.
fn datas(reply: &Reply) -> Vec<Value> {
    let all = reply.json();
    all.as_array().unwrap().iter().filter_map(|message| message.get("data").cloned()).collect()
}

#[tokio::test]
async fn a_custom_channel_has_its_members_events_with_ids_of_its_own() {
    let org = org(quick()).await;
    compose(&org, json!({})).await;
    let accounts = org.publish(ACCOUNTS, 2).await;
    let leads = org.publish(LEADS, 1).await;
    org.publish("/data/ContactChangeEvent", 1).await;
    let client = org.client().await;
    let reply = client.subscribe(SALES, -2).await;
    let (ids, own) = (reply.ids(), [accounts, leads].concat());
    assert!(ids.len() == 3 && ids.is_sorted() && ids.iter().all(|id| !own.contains(id)), "{ids:?} {own:?}");
    assert_eq!(reply.json()[0]["channel"], SALES);
    let first = &datas(&org.client().await.subscribe(ACCOUNTS, -2).await)[0];
    let mine = &datas(&reply)[0];
    assert_eq!((&mine["payload"], &mine["schema"]), (&first["payload"], &first["schema"]), "the member's shape");
    let entities: Vec<Value> =
        datas(&reply).iter().map(|data| data["payload"]["ChangeEventHeader"]["entityName"].clone()).collect();
    assert_eq!(entities, ["Account", "Account", "Lead"]);
    assert_eq!(org.client().await.subscribe(SALES, own[0]).await.last()["successful"], false, "ids are not shared");
    assert_eq!(org.client().await.subscribe(SALES, ids[1]).await.ids(), ids[2..]);
    let row = &org.ledger(SALES).await[0];
    assert_eq!(row["bytes"], mine.to_string().len());
}

#[tokio::test]
async fn platform_events_keep_their_uuid_on_a_custom_channel() {
    let org = org(quick()).await;
    org.control("channels", json!({"channel": "/event/Orders__chn", "members": ["Shipment__e"]})).await;
    org.rest().await.call("POST sobjects/Shipment__e", json!({"Seq__c": 7})).await;
    let uuid = |rows: Vec<Value>| rows[0]["uuid"].as_str().unwrap().to_owned();
    let mine = &datas(&org.client().await.subscribe("/event/Orders__chn", -2).await)[0];
    assert_eq!(
        (&mine["payload"]["Seq__c"], mine["event"]["EventUuid"].as_str().unwrap()),
        (&json!(7), uuid(org.ledger("/event/Shipment__e").await).as_str())
    );
    assert_eq!(uuid(org.ledger("/event/Orders__chn").await), uuid(org.ledger("/event/Shipment__e").await));
}

#[tokio::test]
async fn enriched_merged_changes_come_apart_and_share_a_replay_id() {
    let org = org(quick()).await;
    compose(&org, json!({"enriched_fields": ["Industry"]})).await;
    org.control("publish", json!({"channel": ACCOUNTS, "record_ids": 3})).await;
    org.control("publish", json!({"channel": ACCOUNTS, "record_ids": 2, "change_type": "CREATE"})).await;
    let client = org.client().await;
    let reply = client.subscribe(SALES, -2).await;
    let (ids, datas) = (reply.ids(), datas(&reply));
    assert!(ids.len() == 4 && ids[0] == ids[1] && ids[1] == ids[2] && ids[2] < ids[3], "{ids:?}");
    let merged = org.ledger(ACCOUNTS).await[0]["record_ids"].clone();
    for (index, data) in datas[..3].iter().enumerate() {
        let record = merged[index].as_str().unwrap();
        assert_eq!(data["payload"]["ChangeEventHeader"]["recordIds"], json!([record]));
        assert_eq!(data["payload"]["Industry"], format!("Industry of {record}"));
        assert_eq!(org.ledger(SALES).await[index]["record_ids"], json!([record]));
    }
    let created = &datas[3]["payload"];
    assert_eq!(created["ChangeEventHeader"]["recordIds"].as_array().unwrap().len(), 2);
    assert!(created.get("Industry").is_none(), "only updates and deletions are enriched");
    assert_eq!(org.client().await.subscribe(SALES, ids[0]).await.ids(), [ids[3]], "after an id is after all of it");
}

#[tokio::test]
async fn events_of_one_replay_id_are_in_one_reply() {
    let org = org(simulator::Options { reply_bytes: 1, ..quick() }).await;
    compose(&org, json!({"enriched_fields": ["Industry"]})).await;
    org.control("publish", json!({"channel": ACCOUNTS, "record_ids": 3, "count": 2})).await;
    let client = org.client().await;
    let first = client.subscribe(SALES, -2).await.ids();
    let second = client.poll().await.ids();
    assert_eq!((first.len(), second.len()), (3, 3));
    assert!(first[0] < second[0]);
}

#[tokio::test]
async fn a_filter_lets_through_what_it_names() {
    let org = org(quick()).await;
    compose(&org, json!({"filter": "Seq__c IN (2, 4) AND Tier__c = 'gold'"})).await;
    for (seq, tier) in [(1, "gold"), (2, "gold"), (3, "gold"), (4, "tin")] {
        let data = json!({"payload": {"Seq__c": seq, "Tier__c": tier}});
        org.control("publish", json!({"channel": ACCOUNTS, "data": data})).await;
    }
    let reply = org.client().await.subscribe(SALES, -2).await;
    assert_eq!(datas(&reply).iter().map(|data| data["payload"]["Seq__c"].clone()).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn improper_custom_channels() {
    let org = org(quick()).await;
    for (body, status) in [
        (json!({"channel": "/data/X__chn", "members": ["NoChangeEvent"]}), 404),
        (json!({"channel": "/data/XChangeEvent", "members": ["AccountChangeEvent"]}), 400),
        (json!({"channel": "/data/X__chn", "members": ["AccountChangeEvent"], "filter": "Seq__c >"}), 400),
        (json!({"channel": "/data/XChangeEvent", "filter": "Seq__c = 1"}), 400),
    ] {
        let reply = org.send(org.http.post(format!("{}/simulator/channels", org.base)).json(&body)).await;
        assert_eq!((reply.status, reply.json()["error"].is_string()), (status, true), "{body}");
    }
    assert_eq!(org.client().await.subscribe("/data/X__chn", -1).await.last()["successful"], false);
}

#[tokio::test]
async fn the_tooling_api_knows_channels_and_their_members() {
    let org = org(quick()).await;
    compose(&org, json!({"filter": "Seq__c = 1"})).await;
    org.control("channels", json!({"channel": "/event/Orders__chn", "members": ["Shipment__e"]})).await;
    let rest = org.rest().await;
    let query = async |soql: &str| {
        let soql: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        let reply = rest.get(&format!("tooling/query?q={soql}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["records"].as_array().unwrap().clone()
    };
    let channels =
        query("SELECT Id, DeveloperName, ChannelType FROM PlatformEventChannel WHERE DeveloperName = 'Sales'").await;
    assert_eq!((channels.len(), &channels[0]["ChannelType"]), (1, &json!("data")));
    let id = channels[0]["Id"].as_str().unwrap();
    let of = format!(
        "SELECT DeveloperName, SelectedEntity, FilterExpression FROM PlatformEventChannelMember WHERE EventChannel = '{id}'"
    );
    let members = query(&of).await;
    assert_eq!(members.len(), 2);
    assert_eq!(
        (&members[0]["DeveloperName"], &members[0]["FilterExpression"]),
        (&json!("Sales_chn_AccountChangeEvent"), &json!("Seq__c = 1"))
    );
    assert_eq!(members[1]["SelectedEntity"], "LeadChangeEvent");
    let selected =
        query("SELECT SelectedEntity FROM PlatformEventChannelMember WHERE EventChannel = 'ChangeEvents'").await;
    let names: Vec<&Value> = selected.iter().map(|row| &row["SelectedEntity"]).collect();
    assert!(names.contains(&&json!("AccountChangeEvent")) && names.len() == 5, "{names:?}");
    let custom =
        query("SELECT SelectedEntity FROM PlatformEventChannelMember WHERE DeveloperName = 'Orders_chn_Shipment_e'")
            .await;
    assert!(custom[0]["SelectedEntity"].as_str().unwrap().starts_with("01I"));
}

#[tokio::test]
async fn monitoring_streams_are_platform_events_that_nobody_defined() {
    let org = org(quick()).await;
    org.control("channels", json!({"channel": "/event/LoginEventStream"})).await;
    org.publish("/event/LoginEventStream", 1).await;
    let data = &datas(&org.client().await.subscribe("/event/LoginEventStream", -2).await)[0];
    assert!(data["payload"]["CreatedDate"].is_string() && data["event"]["EventUuid"].is_string());
    let rest = org.rest().await;
    let described = rest.get("sobjects/LoginEventStream/describe").await;
    assert_eq!((described.status, &described.json()["name"]), (200, &json!("LoginEventStream")));
    let schema = rest.get(&format!("event/eventSchema/{}", data["schema"].as_str().unwrap())).await;
    assert_eq!((schema.status, &schema.json()["name"]), (200, &json!("LoginEventStream")));
    assert_eq!(rest.get("sobjects/LogoutEventStream/describe").await.status, 404);
}

#[tokio::test]
async fn a_generic_channel_s_name_has_any_number_of_segments() {
    let org = org(quick()).await;
    let channel = "/u/notifications/eu/west/Ops";
    org.control("channels", json!({"channel": channel})).await;
    let ids = org.publish(channel, 2).await;
    assert_eq!(org.client().await.subscribe(channel, -2).await.ids(), ids);
    let found = org.rest().await.query(&format!("SELECT Name FROM StreamingChannel WHERE Name = '{channel}'")).await;
    assert_eq!(found["totalSize"], 1);
}

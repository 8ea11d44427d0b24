//! Subscribing, and from where.

use serde_json::{Value, json};

use crate::client::{ACCOUNTS, org, quick};

#[tokio::test]
async fn minus_two_is_everything_minus_one_nothing_and_an_id_what_follows_it() {
    let org = org(quick()).await;
    let ids = org.publish(ACCOUNTS, 5).await;
    for (replay, wanted) in [(-2, &ids[..]), (-1, &[]), (ids[1], &ids[2..]), (ids[4], &[])] {
        let client = org.client().await;
        let reply = client.subscribe(ACCOUNTS, replay).await;
        assert_eq!(reply.last()["successful"], true);
        assert_eq!(reply.ids(), wanted, "{replay}");
    }
    let client = org.client().await;
    let plain = json!([{"channel": "/meta/subscribe", "clientId": client.client_id, "subscription": ACCOUNTS}]);
    assert_eq!(client.post(&plain).await.ids(), Vec::<i64>::new(), "without the extension only new events");
}

#[tokio::test]
async fn an_id_that_is_not_the_stream_s_is_refused_word_for_word() {
    let org = org(quick()).await;
    let ids = org.publish(ACCOUNTS, 3).await;
    let foreign = org.publish("/data/LeadChangeEvent", 1).await[0];
    let client = org.client().await;
    org.publish(ACCOUNTS, 1).await;
    for id in [ids[2] + 10_000, foreign, 0, -7, 5] {
        let reply = client.subscribe(ACCOUNTS, id).await.last();
        let text = format!(
            "400::The replayId {{{id}}} you provided was invalid. Please provide a valid ID, -2 to replay all events, or -1 to replay only new events."
        );
        assert_eq!((&reply["error"], &reply["successful"]), (&json!(text), &json!(false)));
        assert_eq!(reply["subscription"], ACCOUNTS);
    }
    org.control("expire", json!({"channel": ACCOUNTS})).await;
    for id in ids {
        assert_eq!(client.subscribe(ACCOUNTS, id).await.last()["successful"], false);
    }
}

#[tokio::test]
async fn the_replay_map_must_hold_the_channel() {
    let org = org(quick()).await;
    let client = org.client().await;
    for (map, shown) in [(json!({}), ""), (json!({"/data/X": -1}), "/data/X=-1")] {
        let mut message = client.subscribe_message(ACCOUNTS, json!(-1));
        message["ext"]["replay"] = map;
        let text = format!(
            "400::The replayId for channel {{{ACCOUNTS}}} wasn't found using the provided replay ID map {{{{{shown}}}}}. Ensure that the channel name you provided in the replay map is valid and matches the channel name used for subscribing."
        );
        assert_eq!(client.post(&message).await.last()["error"], text);
    }
}

#[tokio::test]
async fn what_cannot_be_subscribed() {
    let org = org(quick()).await;
    let client = org.client().await;
    for (channel, error) in [
        ("/event/No__e", "400::The channel you requested to subscribe to does not exist {/event/No__e}"),
        (
            "/data/accountChangeEvent",
            "400::The channel you requested to subscribe to does not exist {/data/accountChangeEvent}",
        ),
        ("/topic/No", "403:denied_by_security_policy:create_denied"),
        ("/u/no", "403::Cannot create channel {/u/no}"),
        ("/data/*", "400::The channel you requested to subscribe to does not exist {/data/*}"),
        ("/**", "400::The channel you requested to subscribe to does not exist {/**}"),
        ("/meta/connect", "400::The channel you requested to subscribe to does not exist {/meta/connect}"),
        ("data/X", "400::Channel subscriptions must start with a leading '/'"),
        ("", "400::Channel name not specified"),
        ("/topic/InvoiceUpdates?Nope='1'", "400::Query fields {Nope} do not exist on the topic entity"),
    ] {
        assert_eq!(client.subscribe(channel, -1).await.last()["error"], error);
    }
}

#[tokio::test]
async fn a_filtered_push_topic_is_keyed_by_the_part_before_the_filter() {
    let org = org(quick()).await;
    let ids = org.publish("/topic/InvoiceUpdates", 4).await;
    let client = org.client().await;
    let reply = client.subscribe("/topic/InvoiceUpdates?Status__c='Paid'", -2).await;
    assert_eq!(reply.ids(), [ids[1], ids[3]]);
    assert_eq!(reply.json()[0]["channel"], "/topic/InvoiceUpdates?Status__c='Paid'");
}

#[tokio::test]
async fn several_channels_in_one_message_are_subscribed_together_or_not_at_all() {
    let org = org(quick()).await;
    let client = org.client().await;
    let message = |channels: Value| {
        json!([{"channel": "/meta/subscribe", "clientId": client.client_id, "subscription": channels,
            "ext": {"replay": {(ACCOUNTS): -1, "/data/LeadChangeEvent": -1}}}])
    };
    let reply = client.post(&message(json!([ACCOUNTS, "/data/NoChangeEvent"]))).await.last();
    assert_eq!(reply["successful"], false);
    org.publish(ACCOUNTS, 1).await;
    assert!(client.poll().await.ids().is_empty());
    let reply = client.post(&message(json!([ACCOUNTS, "/data/LeadChangeEvent"]))).await.last();
    assert_eq!(reply["subscription"], json!([ACCOUNTS, "/data/LeadChangeEvent"]));
    let wanted = [org.publish(ACCOUNTS, 1).await, org.publish("/data/LeadChangeEvent", 1).await].concat();
    let mut got = client.poll().await.ids();
    got.sort_unstable();
    assert_eq!(got, wanted);
}

#[tokio::test]
async fn several_messages_in_one_array_are_answered_in_order() {
    let org = org(quick()).await;
    let ids = org.publish(ACCOUNTS, 2).await;
    let client = org.client().await;
    let batch = json!([
        client.subscribe_message(ACCOUNTS, json!(-2)),
        client.subscribe_message("/event/No__e", json!(-1)),
        {"channel": "/meta/unsubscribe", "clientId": client.client_id, "subscription": ACCOUNTS},
    ]);
    let reply = client.post(&batch).await;
    assert_eq!(reply.ids(), ids);
    let success: Vec<Value> =
        reply.json().as_array().unwrap().iter().skip(2).map(|reply| reply["successful"].clone()).collect();
    assert_eq!(success, [true, false, true]);
    org.publish(ACCOUNTS, 1).await;
    assert!(client.poll().await.ids().is_empty(), "unsubscribed");
}

#[tokio::test]
async fn subscribing_again_changes_nothing() {
    let org = org(quick()).await;
    org.publish(ACCOUNTS, 2).await;
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -1).await;
    let reply = client.subscribe(ACCOUNTS, -2).await;
    assert_eq!((reply.last()["successful"].clone(), reply.ids()), (json!(true), vec![]));
}

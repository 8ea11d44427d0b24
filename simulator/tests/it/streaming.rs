//! The org's behaviour as a stream's source: other orgs, other ids, routing, unknown channels, the delivery allocation.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Options, UnknownChannels};

use crate::client::{ACCOUNTS, Client, Org, SHIPMENTS, handshake, org, quick};

#[tokio::test]
async fn restarted_streams_have_lower_ids_and_refuse_the_old_ones() {
    let org = org(quick()).await;
    org.control("channels", json!({"channel": "/data/Sales__chn"})).await;
    let old = [org.publish(ACCOUNTS, 3).await, org.publish("/data/LeadChangeEvent", 1).await].concat();
    let events = org.publish(SHIPMENTS, 1).await;
    let restarted = org.control("streams/restart", json!({"channel": ACCOUNTS})).await;
    assert!(restarted["restarted"].as_array().unwrap().contains(&json!("/data/LeadChangeEvent")), "they share ids");
    assert!(!restarted["restarted"].as_array().unwrap().contains(&json!("/data/Sales__chn")), "it has its own");
    let client = org.client().await;
    assert_eq!(client.subscribe(SHIPMENTS, events[0]).await.last()["successful"], true, "it has ids of its own");
    assert_eq!(client.subscribe(ACCOUNTS, old[0]).await.last()["successful"], false);
    assert_eq!(client.subscribe(ACCOUNTS, -2).await.ids(), Vec::<i64>::new(), "its events are gone");
    let mut lowest = old[0];
    for _ in 0..2 {
        org.control("streams/restart", json!({"channel": ACCOUNTS})).await;
        let new = org.publish(ACCOUNTS, 2).await;
        assert!(new[1] < lowest, "{new:?}");
        assert_eq!(client.poll().await.ids(), new, "subscribers go on");
        lowest = new[0];
    }
}

#[tokio::test]
async fn a_migration_gives_retained_events_new_ids() {
    let org = org(quick()).await;
    for channel in [ACCOUNTS, SHIPMENTS] {
        let old = org.publish(channel, 4).await;
        org.control("expire", json!({"channel": channel, "keep": 3})).await;
        let datas = |reply: crate::client::Reply| -> Vec<Value> {
            let all = reply.json();
            let events = all.as_array().unwrap().iter().filter_map(|message| message.get("data"));
            events.map(|data| json!([data["payload"], data["event"]["EventUuid"]])).collect()
        };
        let before = datas(org.client().await.subscribe(channel, -2).await);
        let client = org.client().await;
        client.subscribe(channel, -1).await;
        org.control("streams/restart", json!({"channel": channel, "keep": true})).await;
        for id in &old {
            assert_eq!(org.client().await.subscribe(channel, *id).await.last()["successful"], false);
        }
        let reply = org.client().await.subscribe(channel, -2).await;
        let new = reply.ids();
        assert!(new.len() == 3 && new.is_sorted() && new[2] < old[0], "{new:?}");
        assert_eq!(datas(reply), before, "the same events");
        assert_eq!(org.client().await.subscribe(channel, new[0]).await.ids(), new[1..]);
        if channel == ACCOUNTS {
            assert_eq!(org.client().await.subscribe("/data/ChangeEvents", new[1]).await.last()["successful"], true);
        }
        assert_eq!(client.poll().await.ids(), Vec::<i64>::new(), "who had them all has them all");
        let next = org.publish(channel, 1).await;
        assert!(next[0] > new[2]);
        assert_eq!(client.poll().await.ids(), next);
    }
}

#[tokio::test]
async fn another_org_behind_the_login_knows_no_token_and_no_session() {
    let org = org(quick()).await;
    let client = org.client().await;
    let held = client.held().await;
    assert_eq!(
        org.control("org", json!({"org_id": "00Dyy0000001gPLEAY"})).await,
        json!({"org_id": "00Dyy0000001gPLEAY"})
    );
    assert_eq!(held.await.unwrap().last()["error"], "401::Authentication invalid");
    let rest = org.rest().await;
    assert!(rest.token.starts_with("00Dyy0000001gPL!"));
    let found = rest.query("SELECT Id FROM Organization").await;
    assert_eq!(found["records"][0]["Id"], "00Dyy0000001gPLEAY");
    let client = Client { token: Some(rest.token.clone()), ..client.clone() };
    assert_eq!(client.poll().await.last()["error"], "403::Unknown client");
    let wrong = org.http.post(format!("{}/simulator/org", org.base)).json(&json!({"org_id": "00D"}));
    assert_eq!(org.send(wrong).await.status, 400);
}

#[tokio::test]
async fn unknown_channels_can_be_silent() {
    let org = org(Options { unknown_channels: UnknownChannels::Silent, ..quick() }).await;
    let client = org.client().await;
    for (channel, replay) in [("/event/No__e", -1), ("/data/NoChangeEvent", 17), ("/topic/No", -2), ("/u/no", -1)] {
        let reply = client.subscribe(channel, replay).await;
        assert_eq!((&reply.last()["successful"], reply.ids()), (&json!(true), vec![]), "{channel}");
    }
    org.control("channels", json!({"channel": "/event/No__e"})).await;
    org.publish("/event/No__e", 1).await;
    assert_eq!(client.poll().await.ids(), Vec::<i64>::new(), "whoever subscribed too early hears nothing");
    let policy = org.control("streaming", json!({"unknown_channels": "refuse"})).await;
    assert_eq!(policy, json!({"unknown_channels": "refuse", "routing_cookie": null}));
    assert_eq!(org.client().await.subscribe("/event/Nope__e", -1).await.last()["successful"], false);
}

#[tokio::test]
async fn improper_behaviour_is_not_taken() {
    let org = org(quick()).await;
    for body in [
        json!({"unknown_channels": "loud"}),
        json!({"routing_cookie": "soon"}),
        json!({"routing_cookie": 3}),
        json!({"surprise": true}),
    ] {
        let request = org.http.post(format!("{}/simulator/streaming", org.base)).json(&body);
        assert_eq!(org.send(request).await.status, 400, "{body}");
    }
    let before = json!({"unknown_channels": "refuse", "routing_cookie": null});
    assert_eq!(org.get("/simulator/streaming").await.json(), before);
}

/// A client's whole jar, as a browser would send it, however old the cookies are.
struct Jar<'a> {
    org: &'a Org,
    token: String,
    cookies: Vec<(String, String)>,
    client_id: Value,
}

impl Jar<'_> {
    async fn post(&mut self, body: Value) -> Value {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.org.http.post(format!("{}/cometd/64.0", self.org.base)).bearer_auth(&self.token);
        let reply = self.org.send(request.header("cookie", cookies.join("; ")).json(&body)).await;
        for cookie in reply.headers.get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(other, _)| other != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        reply.last()
    }

    async fn handshake(&mut self) -> bool {
        let reply = self.post(handshake()).await;
        self.client_id = reply["clientId"].clone();
        reply["successful"] == true
    }

    async fn poll(&mut self) -> Value {
        let connect = json!([{"channel": "/meta/connect", "id": "2", "clientId": self.client_id,
            "connectionType": "long-polling", "advice": {"timeout": 0}}]);
        self.post(connect).await["error"].clone()
    }
}

#[tokio::test]
async fn a_stale_routing_cookie_is_a_loop_that_only_an_empty_jar_ends() {
    let life = Duration::from_millis(300);
    let org = org(Options { routing_cookie: Some(life), ..quick() }).await;
    let mut jar = Jar { org: &org, token: org.login().await, cookies: Vec::new(), client_id: Value::Null };
    assert!(jar.handshake().await);
    let names: Vec<&str> = jar.cookies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["BAYEUX_BROWSER", "sfdc-stream"]);
    assert_eq!(jar.poll().await, Value::Null);
    let (bayeux, routing) = (jar.cookies[0].clone(), jar.cookies[1].clone());
    jar.cookies = vec![bayeux];
    assert_eq!(jar.poll().await, "403::Unknown client", "without it another server is asked");
    jar.cookies.push(routing);
    tokio::time::sleep(life).await;
    assert_eq!(jar.poll().await, "403::Unknown client", "its time is over");
    for _ in 0..3 {
        assert!(jar.handshake().await, "a handshake with the stale one seems good");
        assert_eq!(jar.poll().await, "403::Unknown client");
    }
    jar.cookies.clear();
    assert!(jar.handshake().await);
    assert_eq!(jar.poll().await, Value::Null);
}

#[tokio::test]
async fn the_routing_cookie_says_its_age() {
    let org = org(Options { routing_cookie: Some(Duration::from_millis(2500)), ..quick() }).await;
    let mut client = org.stranger().await;
    let reply = client.post(&handshake()).await;
    let cookies: Vec<&str> = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(
        cookies[1].starts_with("sfdc-stream=") && cookies[1].ends_with("; Path=/; Max-Age=3; HttpOnly"),
        "{cookies:?}"
    );
    assert_eq!(client.handshake().await["successful"], true);
}

#[tokio::test]
async fn deliveries_use_up_the_allocation_and_then_nothing_comes() {
    let org = org(quick()).await;
    let rest = org.rest().await;
    let left = async || rest.get("limits").await.json()["DailyDeliveredPlatformEvents"].clone();
    org.control("channels", json!({"channel": "/event/LoginEventStream"})).await;
    let client = org.client().await;
    client.subscribe(ACCOUNTS, -1).await;
    client.subscribe("/event/LoginEventStream", -1).await;
    org.publish(ACCOUNTS, 3).await;
    org.publish("/event/LoginEventStream", 5).await;
    client.connect().await;
    assert_eq!(left().await, json!({"Max": 50_000, "Remaining": 49_997}), "monitoring counts nowhere");
    let told = org.control("limits", json!({"delivered_max": 5})).await;
    assert_eq!((&told["delivered_used"], &told["delivered_max"]), (&json!(3), &json!(5)));
    let ids = org.publish(ACCOUNTS, 2).await;
    assert_eq!(client.poll().await.ids(), ids);
    assert_eq!(left().await["Remaining"], 0);
    let daily = "403::Organization total events daily limit exceeded";
    assert_eq!(client.poll().await.last()["error"], daily);
    assert_eq!(client.poll().await.last()["error"], "403::Unknown client", "the subscriber is disconnected");
    let client = org.client().await;
    assert_eq!(client.subscribe(ACCOUNTS, -1).await.last()["error"], daily);
    let client = org.client().await;
    assert_eq!(
        client.subscribe("/topic/InvoiceUpdates", -1).await.last()["successful"],
        true,
        "not of this allocation"
    );
    org.publish("/topic/InvoiceUpdates", 2).await;
    assert_eq!(client.poll().await.ids().len(), 2);
    assert_eq!(rest.get("limits").await.json()["DailyDurableStreamingApiEvents"]["Remaining"], 999_998);
}

#[tokio::test]
async fn a_held_connect_learns_that_the_allocation_is_used_up() {
    let org = org(quick()).await;
    let client = org.client().await;
    client.subscribe(SHIPMENTS, -1).await;
    let held = client.held().await;
    org.control("limits", json!({"delivered_used": 10, "delivered_max": 10})).await;
    let reply = held.await.unwrap().last();
    assert_eq!(reply["error"], "403::Organization total events daily limit exceeded");
    org.control("limits", json!({"delivered_used": 0})).await;
    assert_eq!(org.client().await.subscribe(SHIPMENTS, -1).await.last()["successful"], true);
}

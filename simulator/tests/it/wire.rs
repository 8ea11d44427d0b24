//! What is not a proper request, and how CometD's server says so.

use serde_json::{Value, json};

use crate::client::{handshake, org, quick};

#[tokio::test]
async fn improper_bodies() {
    let org = org(quick()).await;
    let client = org.stranger().await;
    let long = format!("[{}]", " ".repeat(32_767));
    for (body, kind, status) in [
        ("[{", "application/json", 400),
        ("", "application/json", 400),
        ("[1]", "application/json", 400),
        ("[]", "application/json", 500),
        ("null", "application/json", 500),
        ("message=%5B%5D", "application/x-www-form-urlencoded", 400),
        (long.as_str(), "application/json", 413),
    ] {
        let request = client.request("64.0").header("content-type", kind).body(body.to_owned());
        assert_eq!(org.send(request).await.status, status, "{kind} {:.20}", body);
    }
    let just_fits = format!("{}{}", " ".repeat(32_768 - handshake().to_string().len()), handshake());
    assert_eq!(org.send(client.request("64.0").body(just_fits)).await.last()["successful"], true);
}

#[tokio::test]
async fn a_lone_object_is_taken_for_an_array_of_one_and_unknown_fields_are_ignored() {
    let org = org(quick()).await;
    let client = org.stranger().await;
    let mut message = handshake()[0].clone();
    message["surprise"] = json!({"a": 1});
    message["id"] = json!(17);
    let reply = client.post(&message).await.last();
    assert_eq!((&reply["successful"], &reply["id"]), (&json!(true), &json!("17")), "a numeric id comes back as text");
}

#[tokio::test]
async fn no_websocket_and_no_get() {
    let org = org(quick()).await;
    assert_eq!(org.get("/cometd/64.0").await.status, 400);
    let upgrade = org
        .http
        .get(format!("{}/cometd/64.0", org.base))
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(org.send(upgrade).await.status, 405);
}

#[tokio::test]
async fn the_url_holds_a_version() {
    let org = org(quick()).await;
    let client = org.stranger().await;
    for (path, error) in [
        ("", Some("400::API version in the URI is mandatory. URI format: '/cometd/66.0'")),
        ("64", Some("400::API version in the URI is mandatory. URI format: '/cometd/66.0'")),
        (
            "36.0/handshake",
            Some(
                "400::Unsupported API version. Only API versions '37.0' and later are supported. URI format: '/cometd/66.0'",
            ),
        ),
        ("37.0", None),
        ("64.0/handshake", None),
        ("67.0/", None),
    ] {
        let reply = org.send(client.request(path).json(&handshake())).await.last();
        assert_eq!(reply["error"], error.map_or(Value::Null, Value::from), "{path}");
    }
}

#[tokio::test]
async fn a_token_is_demanded_of_every_request() {
    let org = org(quick()).await;
    let mut client = org.client().await;
    let good = client.token.take();
    for (token, text) in [(None, "401::Request requires authentication"), (Some("x"), "401::Authentication invalid")] {
        client.token = token.map(str::to_owned);
        let reply = client.connect().await.last();
        assert_eq!(reply["error"], text);
        assert_eq!(reply["advice"], json!({"reconnect": "none", "interval": 0}));
        assert_eq!(reply["clientId"], client.client_id);
        let reply = client.post(&handshake()).await.last();
        assert_eq!(reply["error"], "403::Handshake denied");
        assert_eq!(reply["advice"], json!({"reconnect": "none"}));
        assert_eq!(reply["ext"], json!({"sfdc": {"failureReason": text}, "replay": true, "payload.format": true}));
    }
    let request = org.http.post(format!("{}/cometd/64.0", org.base)).json(&handshake());
    let request = request.header("authorization", format!("OAuth {}", good.unwrap()));
    assert_eq!(org.send(request).await.last()["successful"], true, "the older scheme is taken, too");
}

#[tokio::test]
async fn only_long_polling_is_offered() {
    let org = org(quick()).await;
    let client = org.client().await;
    let mut hands = handshake();
    hands[0]["supportedConnectionTypes"] = json!(["websocket"]);
    assert_eq!(client.post(&hands).await.last()["error"], "400::Invalid connection type {websocket}");
    let mut connect = client.connect_message();
    connect["connectionType"] = json!("callback-polling");
    assert_eq!(client.post(&connect).await.last()["error"], "400::Invalid connection type {callback-polling}");
}

#[tokio::test]
async fn publishing_over_cometd_is_refused() {
    let org = org(quick()).await;
    let client = org.client().await;
    let reply = client.post(&json!([{"channel": "/event/Low_Ink__e", "clientId": client.client_id, "data": {}}])).await;
    assert_eq!(reply.last()["error"], "403:denied_by_security_policy:publish_denied");
    let reply = client.post(&json!([{"channel": "/meta/ping", "clientId": client.client_id}])).await;
    assert_eq!(reply.last()["error"], "404::Unknown channel");
}

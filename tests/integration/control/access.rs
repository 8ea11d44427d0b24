//! Who may change things, and what the others are told.

use super::done;
use crate::logins::{crossfeed, said};
use crate::scene::{CHANGES, Scene, until_state};
use harness::Bridge;
use reqwest::Method;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Asks the admin listener; over the Unix socket where one is given.
async fn ask(
    bridge: &Bridge,
    socket: Option<&Path>,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (u16, Value) {
    let mut client = reqwest::Client::builder().no_proxy();
    if let Some(socket) = socket {
        client = client.unix_socket(socket);
    }
    let request = client.build().unwrap().request(method, format!("http://{}{path}", bridge.admin()));
    let request = token.iter().fold(request, |request, token| request.bearer_auth(token)).body(body.to_owned());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn nothing_is_changed_without_the_token_or_the_owner_s_socket() {
    let Some(scene) = Scene::set("access").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    until_state(&mut bridge, "changes", "running").await;
    let positions = scene.path().join("positions");
    let (file, socket) = (positions.join("admin-token"), positions.join("admin.sock"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&socket)), (0o600, 0o600));
    let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let wrong = token.chars().rev().collect::<String>();

    let changes = ["/feeds/changes/pause", "/feeds/changes/resume", "/reload"];
    for path in changes {
        for (socket, given) in [(None, None), (None, Some(&*wrong)), (Some(&*socket), Some(&*wrong)), (None, Some(""))]
        {
            let (status, answer) = ask(&bridge, socket, Method::POST, path, given, "").await;
            assert_eq!(status, 401, "{path}: {answer}");
            let told = answer["error"].as_str().unwrap();
            assert!(told.contains(&*file.to_string_lossy()) && !told.contains(&token), "{told}");
        }
    }
    let sessions = scene.org.stats().await.unwrap().sessions;
    assert_eq!((sessions.open, sessions.opened), (1, 1), "the feed did not notice: {sessions:?}");

    let with_token = async |method, path: &str, body: &str| {
        let (status, answer) = ask(&bridge, None, method, path, Some(&token), body).await;
        (status, answer)
    };
    for (method, path, body, expected) in [
        (Method::POST, "/feeds/nope/pause", "", (404, json!({"error": "there is no feed `nope`; there are: changes"}))),
        (
            Method::POST,
            "/feeds/nope/resume",
            "",
            (404, json!({"error": "there is no feed `nope`; there are: changes"})),
        ),
        (Method::GET, "/reload", "", (405, json!({"error": "/reload does not answer to GET"}))),
        (Method::POST, "/status", "", (405, json!({"error": "/status does not answer to POST"}))),
        (Method::POST, "/feeds/changes/resume", "", (200, json!({"feed": "changes", "started": false}))),
    ] {
        assert_eq!(with_token(method, path, body).await, expected, "{path}");
    }
    let (status, answer) = with_token(Method::POST, "/feeds/changes/pause", r#"{"because": 1}"#).await;
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("because"), "{answer}");
    let (status, answer) = with_token(Method::POST, "/feeds/changes/pause", r#"{"reason": "why not"}"#).await;
    let paused = (answer["paused"]["by"].as_str(), answer["paused"]["reason"].as_str());
    assert_eq!((status, paused), (200, (Some("a holder of the admin token"), Some("why not"))));
    let (status, answer) = ask(&bridge, Some(&socket), Method::POST, "/feeds/changes/resume", None, "").await;
    assert_eq!((status, answer["started"].as_bool()), (200, Some(true)), "{answer}");
    until_state(&mut bridge, "changes", "running").await;

    // The socket of a process that died is in nobody's way, and that of one that ended is gone. The token stays.
    bridge.start_again().await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
    done(&scene, &["pause", "changes"]).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), token);
    bridge.stop().await.unwrap();
    assert!(!socket.exists());
    assert!(!bridge.log_text().unwrap().contains(&token));
}

#[tokio::test]
async fn the_commands_say_why_they_could_not() {
    let Some(scene) = Scene::set("told_why").await else { return };
    let mut bridge = scene.bridge(&scene.changes(&[CHANGES], "earliest")).await;
    until_state(&mut bridge, "changes", "running").await;
    let refused = async |arguments: &[&str], code: i32, words: &str| {
        let output = crossfeed(scene.path(), arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(words), "{arguments:?}: {}", said(&output));
    };
    for command in ["pause", "resume"] {
        refused(&[command, "nope"], 2, "there is no feed `nope`; there are: changes").await;
        refused(&[command, "x/../../reload?"], 2, "not a feed's name").await;
    }
    let socket = scene.path().join("positions/admin.sock");
    std::fs::remove_file(&socket).unwrap();
    let pid = bridge.pid();
    for arguments in [&["pause", "changes"][..], &["resume", "changes"], &["reload"]] {
        refused(arguments, 1, &format!("the bridge with pid {pid} runs with these positions and has no socket")).await;
    }
    bridge.stop().await.unwrap();
    refused(&["reload"], 1, "no bridge is running with the positions in").await;
    refused(&["pause", "nope"], 2, "there is no feed `nope`; there are: changes").await;
}

/// A folder whose path no socket can have: everything else works, and the log says what does not.
#[tokio::test]
async fn a_path_too_long_for_a_socket_is_said_and_the_token_does_it() {
    let Some(scene) = Scene::set("long").await else { return };
    let deep = scene.path().join("x".repeat(100));
    let config = scene.config(&scene.changes(&[CHANGES], "earliest"));
    let config = config.replace(
        &format!("positions = \"{}", scene.path().join("positions").display()),
        &format!("positions = \"{}", deep.display()),
    );
    let mut bridge = Bridge::start(scene.path(), &config).await.unwrap();
    until_state(&mut bridge, "changes", "running").await;
    assert!(bridge.log_text().unwrap().contains("no Unix socket"), "{}", bridge.log_text().unwrap());
    let token = std::fs::read_to_string(deep.join("admin-token")).unwrap();
    let (status, answer) = ask(&bridge, None, Method::POST, "/feeds/changes/pause", Some(token.trim()), "").await;
    assert_eq!(status, 200, "{answer}");
    until_state(&mut bridge, "changes", "paused").await;
}

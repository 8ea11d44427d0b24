//! Files of positions that other versions wrote, and files that go to another machine. Neither org nor Kafka is needed.

use super::{done, listed, refused};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a configuration, and a copy of the store that the first version wrote.
fn with_the_stored_one() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let (from, to) = (root.join("tests/integration/stored/format-1"), folder.path().join("crossfeed-positions"));
    std::fs::create_dir_all(to.join("rocksdb")).unwrap();
    for (name, _) in files(&from) {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
    std::fs::write(folder.path().join("crossfeed.toml"), CONFIG).unwrap();
    folder
}

/// Every file of a store and what is in it.
fn files(store: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in ["", "rocksdb"] {
        for entry in std::fs::read_dir(store.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                found.push((path.strip_prefix(store).unwrap().to_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn f55_an_upgrade_reads_old_positions() {
    let folder = with_the_stored_one();
    let at = |id: &str| serde_json::json!({"at": {"id": id, "time_ms": 1_775_000_000_000_u64}});
    let read = listed(folder.path()).await;
    let expected = [
        ("/data/AccountChangeEvent", at("42")),
        ("/event/Order_Placed__e", serde_json::json!({"begun": {"date": "2026-03-31T23:33:21Z"}})),
        ("/topic/Open", at("7")),
        ("/data/AccountChangeEvent", serde_json::json!({"at": {"id": "9007199254740993123456"}})),
    ];
    assert_eq!(read, expected.map(|(channel, position)| (channel.to_owned(), position)));
    let shown = done(folder.path(), &["positions", "show", "changes"]).await;
    assert!(shown.contains("belongs to org 00Dxx0000001gPLEAY and Kafka cluster kafka-1"), "{shown}");
    // It is written on in the same store, and what was there stays.
    done(folder.path(), &["positions", "set", "changes", "/topic/Open", "--to", "8", "--yes"]).await;
    let mut expected = read;
    expected[2].1 = serde_json::json!({"at": {"id": "8"}});
    assert_eq!(listed(folder.path()).await, expected);
    let format = std::fs::read_to_string(folder.path().join("crossfeed-positions/FORMAT")).unwrap();
    assert_eq!(format, "1\n", "the version that wrote it can go on with it");
}

#[tokio::test]
async fn f55_positions_of_a_later_version_are_refused_and_left_as_they_are() {
    let folder = with_the_stored_one();
    let store = folder.path().join("crossfeed-positions");
    std::fs::write(store.join("FORMAT"), "2\n").unwrap();
    let before = files(&store);
    for arguments in [
        &["positions", "list"][..],
        &["positions", "show", "changes"],
        &["positions", "export"],
        &["positions", "set", "changes", "/topic/Open", "--to", "earliest", "--yes"],
        &["positions", "reset", "changes", "--all", "--yes"],
        &["run"],
    ] {
        let secret = ["-c", "with-secret.toml"];
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        std::fs::write(
            folder.path().join("with-secret.toml"),
            CONFIG.replace("{ env = \"NOT_SET_ANYWHERE\" }", "{ file = \"secret\" }"),
        )
        .unwrap();
        let said = refused(folder.path(), &[&secret[..], arguments].concat(), 1).await;
        assert!(said.contains("has format 2; this version knows format 1 and leaves it untouched"), "{said}");
    }
    assert!(files(&store) == before, "something was written");
}

#[tokio::test]
async fn f54_positions_go_to_another_machine_with_what_they_belong_to() {
    let (here, there) = (with_the_stored_one(), tempfile::tempdir().unwrap());
    let exported = done(here.path(), &["positions", "export", "changes"]).await;
    std::fs::write(there.path().join("kept.jsonl"), &exported).unwrap();
    std::fs::write(there.path().join("crossfeed.toml"), CONFIG).unwrap();
    let dry = done(there.path(), &["positions", "import", "kept.jsonl", "--dry-run"]).await;
    assert!(dry.contains("no position -> after 42: begins with everything since"), "{dry}");
    assert!(!there.path().join("crossfeed-positions").exists(), "a dry run makes nothing");
    done(there.path(), &["positions", "import", "kept.jsonl", "--yes"]).await;
    assert_eq!(listed(there.path()).await, listed(here.path()).await[..3]);
    let shown = done(there.path(), &["positions", "show", "changes"]).await;
    assert!(shown.contains("belongs to org 00Dxx0000001gPLEAY and Kafka cluster kafka-1"), "{shown}");
    // By force they come without it, and belong to what the feed finds.
    std::fs::remove_dir_all(there.path().join("crossfeed-positions")).unwrap();
    done(there.path(), &["positions", "import", "kept.jsonl", "--force", "--yes"]).await;
    let shown = done(there.path(), &["positions", "show", "changes"]).await;
    assert!(shown.contains("belongs to no org and no Kafka cluster yet"), "{shown}");
}

const CONFIG: &str = r#"
[org.acme.login.client_credentials]
url = "https://acme.my.salesforce.com"
client_id = "id"
client_secret = { env = "NOT_SET_ANYWHERE" }
[kafka.main]
brokers = "localhost:9092"
[feed.changes]
delivery = "at_least_once"
[feed.changes.from.salesforce]
org = "acme"
channels = ["/data/AccountChangeEvent", "/event/Order_Placed__e", "/topic/Open"]
[feed.changes.to.kafka]
cluster = "main"
topic = "t"
"#;

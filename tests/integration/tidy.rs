//! The architecture, held by the build: who may name whom, and how long a file may be.

use std::path::PathBuf;

/// The checkout that runs: a build folder may serve several, so what was known when this was compiled may be another.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// Every file of ours with this ending, by its path from the root.
fn files(ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["src", "connectors", "simulator", "harness", "tests", "docs", "config", "scripts"]
        .map(|folder| root().join(folder))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} at all: this test looks in the wrong place");
    found
}

/// Whether a text names a crate in code: `name::`, `use name;`, `name as`.
fn names(text: &str, name: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let is_word =
        |before: Option<char>| before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':');
    let mut hits = code.flat_map(|line| line.match_indices(name).map(move |(at, _)| (line, at)));
    hits.any(|(line, at)| {
        let after = &line[at + name.len()..];
        is_word(line[..at].chars().last())
            && (after.starts_with("::") || after.starts_with(';') || after.starts_with(" as "))
    })
}

#[test]
fn each_crate_of_consequence_is_named_in_its_own_place_only() {
    assert!(
        names("use rocksdb::DB;", "rocksdb")
            && !names("// rocksdb::DB", "rocksdb")
            && !names("my_rocksdb::X", "rocksdb")
    );
    for (name, place) in [
        ("rocksdb", "src/position/"),
        ("rdkafka", "connectors/kafka/"),
        ("tokio_tungstenite", "connectors/bayeux/"),
        ("toml_span", "src/config"),
    ] {
        for (path, text) in files(".rs") {
            let here = path.starts_with(place) || path.ends_with("/tidy.rs");
            assert!(!names(&text, name) || here, "{path} names {name}: only {place} may");
        }
    }
    for (path, text) in files(".rs") {
        let here = path == "src/metrics.rs" || path == "src/shared.rs" || path.ends_with("/tidy.rs");
        assert!(here || !names(&text, "prometheus"), "{path} names prometheus: all metrics are in src/metrics.rs");
    }
    let with_backoff: Vec<String> = files(".rs")
        .into_iter()
        .filter(|(path, text)| text.contains("ExponentialBackoff") && !path.starts_with("tests/"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(with_backoff, ["src/feed/backoff.rs"], "one file knows the crate `backoff`");
}

#[test]
fn no_connector_knows_the_bridge_or_another_connector_or_the_stand_in() {
    for connector in ["bayeux", "kafka", "salesforce"] {
        let manifest = std::fs::read_to_string(root().join("connectors").join(connector).join("Cargo.toml")).unwrap();
        for other in ["bayeux", "kafka", "salesforce", "crossfeed", "simulator", "harness"] {
            let depends = manifest
                .lines()
                .any(|line| line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} ")));
            assert!(!depends, "connectors/{connector} depends on {other}");
        }
    }
    // The stand-in is built from the protocol, not from what our own client says.
    let manifest = std::fs::read_to_string(root().join("simulator/Cargo.toml")).unwrap();
    assert!(!["bayeux.", "salesforce.", "kafka."].iter().any(|name| manifest.contains(&format!("\n{name}"))));
    for (path, text) in
        files(".rs").iter().filter(|(path, _)| path.starts_with("connectors/bayeux/src") && !path.ends_with("tests.rs"))
    {
        let words = text.to_lowercase();
        assert!(!words.contains("sfdc") && !words.contains("salesforce"), "{path} knows of Salesforce");
    }
}

#[test]
fn no_file_is_over_600_lines() {
    for (path, text) in files(".rs") {
        assert!(text.lines().count() <= 600, "{path} has {} lines", text.lines().count());
    }
}

#[test]
fn the_guarantee_stays_small() {
    let text = std::fs::read_to_string(root().join("src/feed/guarantee.rs")).unwrap();
    assert!(text.lines().count() < 300);
}

#[test]
fn modules_are_files_with_a_name_that_says_something() {
    for (path, _) in files(".rs") {
        let name = path.rsplit('/').next().unwrap();
        assert!(!["mod.rs", "utils.rs", "util.rs", "common.rs", "types.rs", "helpers.rs"].contains(&name), "{path}");
    }
}

#[test]
fn nothing_is_left_undone_or_ignored() {
    for (path, text) in files(".rs").iter().filter(|(path, _)| !path.ends_with("tidy.rs")) {
        for word in ["todo!(", "unimplemented!(", "#[ignore", "FIXME"] {
            assert!(!text.contains(word), "{path} has {word}");
        }
    }
}

#[test]
fn what_the_readme_claims_is_shown_by_a_test_that_exists() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let code: String = files(".rs").into_iter().map(|(_, text)| text).collect();
    let claimed: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| word.matches('_').count() >= 3)
        .collect();
    assert!(claimed.len() >= 5, "the README's table of guarantees was not found: {claimed:?}");
    for test in claimed {
        assert!(code.contains(&format!("fn {test}(")), "the README names the test `{test}`, which does not exist");
    }
}

#[test]
fn no_two_tests_share_their_topics() {
    let mut names: Vec<String> = Vec::new();
    for (_, text) in files(".rs").iter().filter(|(path, _)| path.starts_with("tests/integration/")) {
        for call in ["Scene::set(\"", "Scene::set_with(\"", "Scene::with(\"", "Line::up(\""] {
            let named = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            names.extend(named.map(str::to_owned));
        }
    }
    names.sort_unstable();
    let twice: Vec<&String> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(names.len() > 50 && twice.is_empty(), "{twice:?} of {}", names.len());
}

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn neither_secrets_nor_what_is_wrong_elsewhere_are_looked_at() {
    let text = r#"
positions = "here"
shutdown_timeout = "5s"
[org.acme.login.client_credentials]
url = "nonsense"
client_secret = { env = "NOBODY_HAS_SET_THIS" }
[feed.b]
[feed.a.from.nothing]
"#;
    let outline = Outline::parse(text).unwrap();
    let (positions, shutdown_timeout) = (PathBuf::from("here"), Duration::from_secs(5));
    assert_eq!(outline, Outline { positions, shutdown_timeout, feeds: vec!["a".to_owned(), "b".to_owned()] });
}

#[test]
fn what_it_needs_is_checked() {
    for wrong in ["positions = 1", "shutdown_timeout = \"soon\"", "positions ="] {
        assert_eq!(Outline::parse(wrong).unwrap_err().len(), 1, "{wrong}");
    }
}

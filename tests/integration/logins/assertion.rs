//! A signed SAML assertion, made by an independent program.

use super::Key;
use std::process::Command;

/// An assertion that lets the simulator's user in; `None`, said aloud, where nothing can sign it.
pub(super) fn signed(key: &Key, url: &str) -> Option<String> {
    if Command::new("xmlsec1").arg("--version").output().is_err() {
        #[expect(clippy::print_stderr, reason = "a skipped part must be seen")]
        {
            eprintln!("skipped: SAML, since xmlsec1 is not installed");
        }
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let at = |seconds: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds)).to_string();
    let facts = [
        ("@id@", "_crossfeed-test".to_owned()),
        ("@issuer@", "crossfeed-demo".to_owned()),
        ("@user@", simulator::Options::default().user_name),
        ("@audience@", url.to_owned()),
        ("@recipient@", format!("{url}/services/oauth2/token")),
        ("@digest@", "http://www.w3.org/2001/04/xmlenc#sha256".to_owned()),
        ("@now@", at(0)),
        ("@start@", at(-1)),
        ("@end@", at(180)),
    ];
    let template = include_str!("../../../simulator/tests/it/login/assertion.xml").to_owned();
    let xml = facts.iter().fold(template, |xml, (place, value)| xml.replace(place, value));
    let keys = format!("{},{}", path("key", &key.private), path("certificate", &key.certificate));
    let output = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
        .args(["--privkey-pem", &keys, &path("template", &xml)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn it_is_made_once_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = Token::read_or_make(folder.path()).unwrap();
    assert_eq!(made.token.len(), 64);
    assert_eq!(std::fs::metadata(made.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let read = Token::read_or_make(folder.path()).unwrap();
    assert!(read.is(&made.token), "the next start has the same");
    let other = Token::read_or_make(tempfile::tempdir().unwrap().path()).unwrap();
    assert!(!read.is(&other.token));
    for wrong in ["", &made.token.replacen(|_| true, "", 1), &format!("{}0", made.token)] {
        assert!(!read.is(wrong));
    }
}

#[test]
fn what_is_too_short_for_a_secret_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "\n").unwrap();
    let error = Token::read_or_make(folder.path()).err().unwrap().to_string();
    assert!(error.contains("admin-token") && error.contains("remove the file"), "{error}");
}

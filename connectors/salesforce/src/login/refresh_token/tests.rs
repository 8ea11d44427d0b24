#![allow(clippy::unwrap_used)]

use std::{os::unix::fs::symlink, time::Duration};

use tempfile::TempDir;

use super::*;

fn secret(text: &str) -> Secret {
    text.to_owned().into()
}

fn file(dir: &TempDir, key: Option<&str>) -> RefreshToken {
    RefreshToken::new(dir.path().join("acme"), key.map(secret))
}

fn read(token: &RefreshToken) -> Option<String> {
    token.read().unwrap().map(|secret| secret.expose().to_owned())
}

#[test]
fn what_is_written_is_read_by_its_owner_alone() {
    for key in [None, Some("open sesame")] {
        let dir = tempfile::tempdir().unwrap();
        let token = file(&dir, key);
        assert_eq!(read(&token), None);
        for text in ["5Aep861", "5Aep862"] {
            token.write(&secret(text)).unwrap();
            assert_eq!(read(&token).as_deref(), Some(text));
            assert_eq!(fs::metadata(token.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let stored = fs::read_to_string(token.path()).unwrap();
        assert_eq!(stored.contains("5Aep"), key.is_none(), "{stored}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something is left over");
        token.remove().unwrap();
        token.remove().unwrap();
        assert_eq!(read(&token), None);
    }
}

#[test]
fn the_same_token_is_never_encrypted_alike() {
    let dir = tempfile::tempdir().unwrap();
    let token = file(&dir, Some("key"));
    let stored = || {
        token.write(&secret("5Aep861")).unwrap();
        fs::read_to_string(token.path()).unwrap()
    };
    assert_ne!(stored(), stored());
}

#[test]
fn a_file_that_cannot_be_trusted_or_opened_says_what_to_do() {
    let check = |written: Option<&str>, opened: Option<&str>, change: &dyn Fn(&Path), problem: &str, remedy: &str| {
        let dir = tempfile::tempdir().unwrap();
        file(&dir, written).write(&secret("5Aep861")).unwrap();
        let token = file(&dir, opened);
        change(token.path());
        let error = token.read().err().unwrap();
        assert!(error.is_fatal() && error.to_string().contains(problem), "{error}");
        assert!(error.remedy().unwrap().contains(remedy), "{:?}", error.remedy());
        assert!(!error.to_string().contains("5Aep"), "{error}");
    };
    let as_is = |_: &Path| {};
    let mode = |mode: u32| move |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let replace = |old: &'static str, new: &'static str| {
        move |path: &Path| fs::write(path, fs::read_to_string(path).unwrap().replace(old, new)).unwrap()
    };
    check(None, None, &mode(0o640), "by others", "chmod 600 /");
    check(None, None, &mode(0o604), "by others", "chmod 600 /");
    check(Some("a"), Some("b"), &as_is, "another key", "configure the key");
    check(Some("a"), None, &as_is, "no key is configured", "configure its key");
    check(None, Some("b"), &as_is, "is not encrypted", "crossfeed login");
    check(Some("a"), Some("a"), &replace("\"text\":\"", "\"text\":\"AAAA"), "damaged", "crossfeed login");
    check(Some("a"), Some("a"), &replace("\"nonce\":\"", "\"nonce\":\"AAAA"), "is not a file", "crossfeed login");
    check(None, None, &replace("\"format\":1", "\"format\":2"), "format", "crossfeed login");
    check(None, None, &replace("{", ""), "is not a file with a refresh token", "crossfeed login");
    check(None, None, &replace("5Aep861", ""), "is not a file with a refresh token", "crossfeed login");
}

#[test]
fn a_link_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let target = RefreshToken::new(other.path().join("token"), None);
    target.write(&secret("one")).unwrap();
    let token = file(&dir, None);
    symlink(target.path(), token.path()).unwrap();
    token.write(&secret("two")).unwrap();
    assert!(fs::symlink_metadata(token.path()).unwrap().is_symlink());
    assert_eq!(read(&target).as_deref(), Some("two"));
}

/// Writing fails, for root too, where a folder stands in the file's place.
#[test]
fn a_token_that_could_not_be_written_is_written_first_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let token = file(&dir, None);
    let path = token.path().to_owned();
    let block = || fs::create_dir(&path).unwrap();
    let unblock = || fs::remove_dir(&path).unwrap();

    block();
    let error = token.write(&secret("new")).err().unwrap();
    assert!(error.to_string().contains("cannot be written") && !error.is_fatal(), "{error}");
    assert!(!error.to_string().contains("new refresh token new"), "{error}");
    // While it cannot even be seen what is there, nothing is lost.
    let error = token.clone().recover().err().unwrap();
    assert!(error.to_string().contains("cannot be read") && !error.is_fatal(), "{error}");
    assert!(error.remedy().unwrap().contains("do not stop this program"), "{error}");
    unblock();
    // Another handle of the same file, such as the gate's.
    assert_eq!(token.clone().recover().unwrap().unwrap().expose(), "new");
    assert_eq!(read(&token).as_deref(), Some("new"));

    // The file could not even be read when it could not be replaced.
    let replaces = || Some(secret("new"));
    fs::rename(&path, dir.path().join("aside")).unwrap();
    block();
    token.replace(replaces(), &secret("newer")).err().unwrap();
    unblock();
    fs::rename(dir.path().join("aside"), &path).unwrap();
    assert_eq!(token.recover().unwrap().unwrap().expose(), "newer");

    // Somebody logged in anew before it could be written: that one is newer.
    fs::remove_file(&path).unwrap();
    block();
    token.write(&secret("lost")).err().unwrap();
    unblock();
    file(&dir, None).write(&secret("by a person")).unwrap();
    assert_eq!(token.recover().unwrap().unwrap().expose(), "by a person");
    assert_eq!(read(&token).as_deref(), Some("by a person"));
}

#[tokio::test]
async fn one_at_a_time_and_never_for_good() {
    let dir = tempfile::tempdir().unwrap();
    // Two handles, as two processes have them.
    let (one, other) = (file(&dir, None), file(&dir, None));
    let held = one.lock().await.unwrap();
    let error = other.lock_within(Duration::from_millis(120)).await.err().unwrap();
    assert!(error.to_string().contains("another process") && !error.is_fatal(), "{error}");
    let (second, ()) = tokio::join!(other.lock(), async { drop(held) });
    drop(second.unwrap());

    // A file is no folder.
    fs::write(dir.path().join("file"), "").unwrap();
    let nowhere = RefreshToken::new(dir.path().join("file/acme"), None);
    let error = nowhere.lock().await.err().unwrap();
    assert!(error.is_fatal() && error.remedy().unwrap().contains("folder"), "{error}");
}

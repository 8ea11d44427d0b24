#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn plan() -> Plan {
    Plan { made: Timestamp::UNIX_EPOCH, rows: Vec::new() }
}

#[test]
fn only_a_yes_is_a_yes() {
    for (answer, expected) in
        [("y\n", true), ("Y\n", true), ("yes\n", true), ("\n", false), ("n\n", false), ("", false)]
    {
        let confirmed = confirmed(&plan(), true, &mut answer.as_bytes());
        assert_eq!(confirmed.ok(), Some(expected), "{answer:?}");
    }
}

#[test]
fn where_nobody_can_be_asked_nothing_is_done() {
    let Err(refused) = confirmed(&plan(), false, &mut "y\n".as_bytes()) else { panic!("done") };
    assert_eq!(refused.code, 2);
    assert!(refused.text.contains("add --yes"), "{}", refused.text);
}

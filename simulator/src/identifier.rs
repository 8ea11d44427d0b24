//! Salesforce's record ids: 15 case-sensitive characters, and 3 more that make them safe where case is not kept.

/// The run-as user of the client-credentials app, and the author of every event.
pub(crate) const USER: &str = "005xx000001SwiUAAS";

/// The 18-character form of a 15-character id: each added character holds which of five characters are capitals.
pub(crate) fn complete(id: &str) -> String {
    let mut whole = id.to_owned();
    for five in id.as_bytes().chunks(5) {
        let bits =
            five.iter().enumerate().filter(|(_, c)| c.is_ascii_uppercase()).fold(0_usize, |b, (i, _)| b | 1 << i);
        whole.push(char::from(*ALPHABET.get(bits).unwrap_or(&b'A')));
    }
    whole
}

/// The 18-character form of what may be an id of 15 or 18 characters.
pub(crate) fn whole(id: &str) -> Option<String> {
    let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match id.len() {
        15 if is_id => Some(complete(id)),
        18 if is_id => Some(id.to_owned()),
        _ => None,
    }
}

/// The `number`th id of the object whose ids begin with `prefix`.
pub(crate) fn numbered(prefix: &str, number: u64) -> String {
    complete(&format!("{prefix}xx{:010}", number % 10_000_000_000))
}

/// The three characters that the ids of an object begin with; custom objects share one.
pub(crate) fn prefix(entity: &str) -> &'static str {
    match entity {
        "Account" => "001",
        "Contact" => "003",
        "Opportunity" => "006",
        "Lead" => "00Q",
        "Case" => "500",
        _ => "a00",
    }
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_are_salesforce_s() {
        for (short, long) in [
            ("001D000000KnaXj", "001D000000KnaXjIAJ"),
            ("00Dxx0000001gPL", "00Dxx0000001gPLEAY"),
            ("005xx000001SwiU", "005xx000001SwiUAAS"),
        ] {
            assert_eq!(complete(short), long);
        }
    }
}

//! What tells an event from every other one of its channel, whatever its replay id.

use aws_lc_rs::digest;

use super::Data;

/// Which event it is, in 128 bits. Replay ids may be given anew, so this is what a repeated event is known by.
///
/// * A platform event: its uuid as it is.
/// * A change: its transaction key and sequence number, its entity, what was done, and *every* record id: the events that
///   an enriched merged change is split into share all but the records (Change Data Capture Developer Guide, *Enrich
///   Change Events*).
/// * Any other: its replay id, time and record. Given a new id it is another event: rather delivered twice than lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(u128);

impl Identity {
    /// Its bytes, for a place on a disk.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The identity that these bytes are.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl Data {
    /// Which event it is; `None` where it says too little of itself to be known again.
    pub fn identity(&self) -> Option<Identity> {
        if let Some(uuid) = &self.uuid {
            let text = || Parts(Vec::new()).add(b"uuid").add(uuid.as_bytes()).identity();
            return Some(uuid_of(uuid).unwrap_or_else(text));
        }
        let mut parts = Parts(Vec::with_capacity(EXPECTED));
        match (&self.transaction, &self.replay_id) {
            (Some(transaction), _) => {
                parts.add(b"change").add(transaction.as_bytes()).add(&self.sequence.unwrap_or(-1).to_be_bytes());
            }
            (None, Some(replay_id)) => {
                parts.add(b"other").add(replay_id.as_str().as_bytes()).add(&self.time_ms.unwrap_or(-1).to_be_bytes());
            }
            (None, None) => return None,
        }
        parts.add(self.entity.as_deref().unwrap_or_default().as_bytes());
        parts.add(self.change.as_ref().map_or("", |change| change.as_str()).as_bytes());
        for id in &self.record_ids {
            parts.add(id.as_bytes());
        }
        Some(parts.identity())
    }
}

/// The 32 hexadecimal digits of a uuid, wherever its hyphens are.
fn uuid_of(text: &str) -> Option<Identity> {
    let mut value = 0_u128;
    let mut digits = 0;
    for byte in text.bytes().filter(|byte| *byte != b'-') {
        value = (value << 4) | u128::from(char::from(byte).to_digit(16)?);
        digits += 1;
    }
    (digits == 32).then_some(Identity(value))
}

/// What an identity is made of. Each part is led by its length, so that no two lists of parts are one text.
struct Parts(Vec<u8>);

impl Parts {
    fn add(&mut self, part: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    /// The first half of a SHA-256: no two events of an org's share it by chance.
    fn identity(&self) -> Identity {
        let digest = digest::digest(&digest::SHA256, &self.0);
        Identity::from_bytes(digest.as_ref().first_chunk::<16>().copied().unwrap_or_default())
    }
}

/// Room for a change of one record.
const EXPECTED: usize = 160;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(data: &str) -> Option<Identity> {
        serde_json::from_str::<Data>(data).unwrap().identity()
    }

    fn change(key: &str, sequence: u32, entity: &str, kind: &str, ids: &[&str], replay_id: u32) -> String {
        serde_json::json!({
            "payload": {"ChangeEventHeader": {
                "entityName": entity, "changeType": kind, "recordIds": ids, "transactionKey": key,
                "sequenceNumber": sequence, "commitTimestamp": 1}},
            "event": {"replayId": replay_id}
        })
        .to_string()
    }

    #[test]
    fn a_change_is_known_again_under_another_replay_id_and_by_nothing_less_than_all_of_it() {
        let one = of(&change("k", 1, "Account", "UPDATE", &["a", "b"], 7));
        assert!(one.is_some());
        assert_eq!(one, of(&change("k", 1, "Account", "UPDATE", &["a", "b"], 9)));
        for other in [
            change("l", 1, "Account", "UPDATE", &["a", "b"], 7),
            change("k", 2, "Account", "UPDATE", &["a", "b"], 7),
            change("k", 1, "Contact", "UPDATE", &["a", "b"], 7),
            change("k", 1, "Account", "DELETE", &["a", "b"], 7),
            change("k", 1, "Account", "UPDATE", &["a"], 7),
            change("k", 1, "Account", "UPDATE", &["b"], 7),
            change("k", 1, "Account", "UPDATE", &["ab"], 7),
        ] {
            assert_ne!(one, of(&other), "{other}");
        }
    }

    #[test]
    fn a_platform_event_is_its_uuid_and_any_other_its_replay_id_and_what_it_says() {
        let uuid = |uuid: &str, id: u32| of(&format!(r#"{{"event":{{"EventUuid":"{uuid}","replayId":{id}}}}}"#));
        let known = uuid("232fd30e-0a71-42bd-a97b-be0e329b2ded", 1).unwrap();
        assert_eq!(known.to_bytes().first_chunk(), Some(&[0x23_u8, 0x2f, 0xd3, 0x0e]));
        assert_eq!(uuid("232FD30E-0A71-42BD-A97B-BE0E329B2DED", 2), Some(known));
        assert_eq!(Identity::from_bytes(known.to_bytes()), known);
        assert_ne!(uuid("no uuid", 1), uuid("no such uuid", 1));
        let topic = |id: u32, date: &str| {
            of(&format!(r#"{{"event":{{"replayId":{id},"createdDate":"{date}"}},"sobject":{{"Id":"x"}}}}"#))
        };
        let one = topic(1, "2026-03-29T16:40:08.208Z");
        assert_eq!(one, topic(1, "2026-03-29T16:40:08.208Z"));
        assert_ne!(one, topic(2, "2026-03-29T16:40:08.208Z"));
        assert_ne!(one, topic(1, "2026-03-29T16:40:08.209Z"));
        assert_eq!(of("{}"), None);
    }
}

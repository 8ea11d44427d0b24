//! Generic streaming: one piece of free text.

use super::padding::pad;
use super::{Made, Stamp, put};

pub(super) fn render(out: &mut Vec<u8>, number: u64, replay_id: i64, stamp: &Stamp, length: usize) -> Made {
    put(
        out,
        format_args!(r#"{{"event":{{"createdDate":"{}","replayId":{replay_id}}},"payload":"{number} "#, stamp.text),
    );
    pad(out, number, length);
    out.extend_from_slice(br#""}"#);
    (None, None)
}

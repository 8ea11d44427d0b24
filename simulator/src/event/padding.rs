//! Text that makes an event as long as it was asked to be, and does not compress to nothing.

use std::sync::LazyLock;

use super::schema;

/// Appends `length` characters that differ with `number` and need no escaping in JSON.
pub(super) fn pad(out: &mut Vec<u8>, number: u64, length: usize) {
    let mut left = length;
    let mut begin = (number.wrapping_mul(61) % (POOL.len() as u64 / 2)) as usize;
    while left > 0 {
        let piece = POOL.get(begin..POOL.len().min(begin + left)).unwrap_or_default();
        out.extend_from_slice(piece);
        left -= piece.len();
        begin = 0;
    }
}

static POOL: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..2048).flat_map(|n: u32| schema(&n.to_string()).into_bytes()).collect());

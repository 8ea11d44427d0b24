//! Seeded runs. With a planted bug, a run has to find it; without one, to find nothing.

use super::{session, splitter};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// The first seed whose input shows something, and what.
fn find(play: fn(&[u8]) -> Result<(), String>) -> Option<(u64, String)> {
    (0..SEEDS).find_map(|seed| {
        let mut input = vec![0; LENGTH];
        StdRng::seed_from_u64(seed).fill_bytes(&mut input);
        play(&input).err().map(|what| (seed, what))
    })
}

#[test]
fn a_session_holds_whatever_it_is_told() {
    let found = find(session);
    if cfg!(feature = "planted-deaf") {
        let what = found.expect("the session without a deadline was not found").1;
        assert!(what.contains("no deadline"), "{what}");
    } else if cfg!(feature = "planted-ghost") {
        let what = found.expect("the answer that nobody waits for was not found").1;
        assert!(what.contains("out of its turn") || what.contains("after the end"), "{what}");
    } else if cfg!(feature = "planted-slice") {
        assert!(found.is_some_and(|(_, what)| what.starts_with("event")), "the slice that is too long was not found");
    } else {
        assert_eq!(found, None);
    }
}

#[test]
fn the_splitter_finds_what_a_slow_parser_finds() {
    let found = find(splitter);
    if cfg!(feature = "planted-slice") {
        assert!(found.is_some(), "the slice that is too long was not found");
    } else {
        assert_eq!(found, None);
    }
}

const SEEDS: u64 = 4_000;
const LENGTH: usize = 600;

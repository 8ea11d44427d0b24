#![allow(clippy::unwrap_used)]

use super::*;
use crate::feed::batch::{Place, Stream};
use proptest::prelude::*;
use std::collections::HashMap;

fn positions(stream: u8, offset: i64) -> Positions {
    let mut positions = Positions::default();
    positions.set(Stream::Partition("t".into(), i32::from(stream)), Place::Next(offset));
    positions
}

#[test]
fn f11_nothing_is_saved_before_the_first_batch_is_durable() {
    let mut guarantee = Guarantee::default();
    let (first, second) = (guarantee.accept(positions(0, 1)), guarantee.accept(positions(0, 2)));
    guarantee.durable(second);
    assert_eq!(guarantee.take(), None);
    guarantee.durable(first);
    assert_eq!(guarantee.take(), Some(positions(0, 2)));
    assert_eq!((guarantee.take(), guarantee.batches.len()), (None, 0));
}

#[test]
fn a_ticket_settled_twice_or_late_changes_nothing() {
    let mut guarantee = Guarantee::default();
    let first = guarantee.accept(positions(0, 1));
    guarantee.durable(first);
    assert_eq!(guarantee.take(), Some(positions(0, 1)));
    let second = guarantee.accept(positions(0, 2));
    guarantee.durable(first);
    assert_eq!(guarantee.take(), None);
    guarantee.durable(second);
    assert_eq!(guarantee.take(), Some(positions(0, 2)));
}

proptest! {
    /// For any order of receipts, with any of them lost: what is taken never passes a batch that is not durable.
    #[test]
    fn what_is_taken_is_a_durable_prefix(
        streams in prop::collection::vec(0u8..3, 1..40),
        receipts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..80),
    ) {
        let mut guarantee = Guarantee::default();
        let mut offsets: HashMap<u8, i64> = HashMap::new();
        let mut accepted = Vec::new();
        for stream in streams {
            let offset = offsets.entry(stream).or_default();
            *offset += 1;
            accepted.push((stream, *offset, guarantee.accept(positions(stream, *offset)), false));
        }
        let mut saved: HashMap<i32, i64> = HashMap::new();
        for (index, lost) in receipts {
            let batch = index.index(accepted.len());
            if lost {
                continue;
            }
            let batch = accepted.get_mut(batch).unwrap();
            batch.3 = true;
            guarantee.durable(batch.2);
            if let Some(positions) = guarantee.take() {
                for (stream, place) in positions.iter() {
                    let (Stream::Partition(_, stream), Place::Next(offset)) = (stream, place) else { unreachable!() };
                    prop_assert!(saved.insert(*stream, *offset).is_none_or(|before| before < *offset), "went backwards");
                }
            }
            // The durable prefix of all batches says what may be saved, and all of it must be.
            let mut expected: HashMap<i32, i64> = HashMap::new();
            for (stream, offset, _, durable) in &accepted {
                if !durable { break; }
                expected.insert(i32::from(*stream), *offset);
            }
            prop_assert_eq!(&saved, &expected);
        }
    }
}

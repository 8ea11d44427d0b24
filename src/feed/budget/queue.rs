//! Who may ask for a reply next: in the order in which they came, each with the room that its reply will likely take.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The seats of a budget.
pub(super) struct Queue {
    limit: usize,
    last: u64,
    seats: BTreeMap<u64, Place>,
    /// Those who may not ask, the one who came first in front.
    waiting: VecDeque<u64>,
    /// Somebody looks again soon, because a pledge may have run out.
    pub(super) looked_after: bool,
}

/// What is known of a seat.
struct Place {
    may_ask: watch::Sender<bool>,
    /// What its next reply will likely take.
    likely: usize,
    /// A reply with events came in on it.
    has_brought: bool,
    pledge: Option<Pledge>,
}

/// Room that is kept for a reply which was asked for and has not come.
#[derive(Clone, Copy)]
struct Pledge {
    bytes: usize,
    until: Instant,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, last: 0, seats: BTreeMap::new(), waiting: VecDeque::new(), looked_after: false }
    }

    /// Another seat, last in the queue.
    pub(super) fn join(&mut self) -> u64 {
        self.last += 1;
        let (may_ask, likely) = (watch::Sender::new(false), self.most_for_one());
        let place = Place { may_ask, likely, has_brought: false, pledge: None };
        self.seats.insert(self.last, place);
        self.waiting.push_back(self.last);
        self.last
    }

    pub(super) fn leave(&mut self, seat: u64) {
        self.seats.remove(&seat);
        self.waiting.retain(|waiting| *waiting != seat);
    }

    /// Whether a seat may ask, and the changes of that.
    pub(super) fn may_ask(&self, seat: u64) -> Option<watch::Receiver<bool>> {
        self.seats.get(&seat).map(|place| place.may_ask.subscribe())
    }

    /// A reply with events comes in: what it was asked with is used up, and the seat is in the queue again.
    pub(super) fn comes(&mut self, seat: u64) {
        let Some(place) = self.seats.get_mut(&seat) else { return };
        place.pledge = None;
        place.has_brought = true;
        place.likely /= 2;
        if place.may_ask.send_replace(false) {
            self.waiting.push_back(seat);
        }
    }

    /// The reply that comes in has so many bytes by now: the next one is likely to have as many.
    pub(super) fn grows(&mut self, seat: u64, bytes: usize) {
        let most = self.most_for_one();
        let Some(place) = self.seats.get_mut(&seat) else { return };
        // Besides the reply itself, the sink's copy of it.
        place.likely = place.likely.max((bytes * 2).min(most));
        if let Some(pledge) = &mut place.pledge {
            pledge.bytes = place.likely;
        }
    }

    /// The source opens: a subscription may bring whatever was retained, however little came last. It queues anew.
    pub(super) fn opens(&mut self, seat: u64) {
        let likely = self.most_for_one();
        let Some(place) = self.seats.get_mut(&seat) else { return };
        (place.likely, place.has_brought, place.pledge) = (likely, false, None);
        if place.may_ask.send_replace(false) {
            self.waiting.push_back(seat);
        }
    }

    /// What was asked for has nothing to bring now, where nothing has come yet.
    pub(super) fn is_quiet(&mut self, seat: u64) {
        if let Some(place) = self.seats.get_mut(&seat).filter(|place| !place.has_brought) {
            place.pledge = None;
            place.likely = 0;
        }
    }

    /// Lets those in front ask for whom there is room. Without any room nobody may, whoever was let before.
    pub(super) fn seat(&mut self, used: usize, now: Instant) {
        if used >= self.limit {
            for (seat, place) in &mut self.seats {
                if place.may_ask.send_replace(false) {
                    place.pledge = None;
                    self.waiting.push_back(*seat);
                }
            }
            return;
        }
        let held = self.seats.values().filter_map(|place| place.pledge).filter(|pledge| pledge.until > now);
        let mut taken = used + held.map(|pledge| pledge.bytes).sum::<usize>();
        while let Some(seat) = self.waiting.front()
            && let Some(place) = self.seats.get_mut(seat)
            // Alone, one may ask whatever it takes: it could not be served otherwise.
            && (taken == 0 || taken + place.likely <= self.limit)
        {
            place.pledge = Some(Pledge { bytes: place.likely, until: now + PLEDGED });
            taken += place.likely;
            place.may_ask.send_replace(true);
            self.waiting.pop_front();
        }
    }

    pub(super) fn somebody_waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A reply may be larger than the budget. One that is held for others to be served first gets no more than this.
    fn most_for_one(&self) -> usize {
        self.limit / 4
    }
}

/// A reply that has not come by then waits for events on the server, which may be hours.
const PLEDGED: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn may_ask(queue: &Queue, seats: &[u64]) -> Vec<bool> {
        seats.iter().map(|seat| *queue.may_ask(*seat).unwrap().borrow()).collect()
    }

    /// A queue for 80 bytes, of which at most 20 are pledged for one reply, and so many seats.
    fn queue(seats: u64) -> (Queue, Vec<u64>, Instant) {
        let mut queue = Queue::new(80);
        let seats = (0..seats).map(|_| queue.join()).collect();
        (queue, seats, Instant::now())
    }

    #[test]
    fn as_many_may_ask_as_there_is_room_for_their_replies() {
        let (mut queue, seats, now) = queue(10);
        queue.seat(0, now);
        assert_eq!(may_ask(&queue, &seats).iter().filter(|may| **may).count(), 4);
        assert!(queue.somebody_waits());
        queue.seat(60, now + PLEDGED);
        assert_eq!(may_ask(&queue, &seats), [&[true; 5][..], &[false; 5]].concat(), "one more finds 20 bytes");
    }

    #[test]
    fn room_goes_round() {
        let (mut queue, seats, now) = queue(3);
        queue.seat(55, now);
        assert_eq!(may_ask(&queue, &seats), [true, false, false]);
        queue.comes(1);
        queue.grows(1, 10);
        queue.seat(75, now);
        assert_eq!(may_ask(&queue, &seats), [false; 3]);
        queue.seat(60, now);
        assert_eq!(may_ask(&queue, &seats), [false, true, false], "not the first one again");
    }

    #[test]
    fn an_opening_may_bring_much_however_little_came_last() {
        let (mut queue, seats, now) = queue(5);
        queue.seat(0, now);
        seats.iter().for_each(|seat| queue.is_quiet(*seat));
        queue.seat(0, now);
        assert_eq!(may_ask(&queue, &seats), [true; 5]);
        seats.iter().for_each(|seat| queue.opens(*seat));
        queue.seat(0, now);
        assert_eq!(may_ask(&queue, &seats), [true, true, true, true, false]);
    }

    #[test]
    fn who_has_brought_something_is_not_quiet() {
        let (mut queue, seats, now) = queue(2);
        queue.seat(60, now);
        queue.comes(1);
        queue.grows(1, 10);
        queue.is_quiet(1);
        queue.seat(60, now);
        assert_eq!(may_ask(&queue, &seats), [false, true]);
    }

    #[test]
    fn without_room_nobody_may_and_all_may_again() {
        let (mut queue, seats, now) = queue(3);
        queue.seat(0, now);
        seats.iter().for_each(|seat| queue.is_quiet(*seat));
        queue.seat(80, now);
        assert_eq!(may_ask(&queue, &seats), [false; 3]);
        queue.seat(79, now);
        assert_eq!(may_ask(&queue, &seats), [true; 3], "they bring nothing");
    }

    #[test]
    fn a_reply_that_takes_more_than_everything_is_served_alone() {
        let (mut queue, seats, now) = queue(2);
        queue.seat(0, now);
        for seat in &seats {
            queue.comes(*seat);
            queue.grows(*seat, 1000);
        }
        queue.seat(61, now);
        assert_eq!(may_ask(&queue, &seats), [false; 2]);
        queue.seat(60, now);
        assert_eq!(may_ask(&queue, &seats), [true, false]);
    }

    #[test]
    fn who_leaves_is_not_waited_for() {
        let (mut queue, seats, now) = queue(2);
        queue.seat(65, now);
        queue.leave(1);
        queue.seat(60, now);
        assert_eq!(may_ask(&queue, &seats[1..]), [true]);
    }
}

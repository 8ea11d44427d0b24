#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
//! The real loop, between a source and a sink that do whatever a script of theirs says, under a paused clock.

use super::*;
use crate::metrics::Metrics;
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Mutex;

/// What the world remembers over openings and crashes: the log of the source, the sink, the store.
#[derive(Default)]
struct World {
    /// Events 0, 1, 2, … exist in one stream; so many of them.
    made: i64,
    /// The saved position: everything before it is promised to be durable.
    saved: i64,
    /// What the sink made durable, in the order in which it did.
    durable: Vec<i64>,
    opened: u32,
    /// What will happen, one step for each thing that can go wrong.
    script: Vec<Step>,
    /// A promise that was broken, if one was.
    broken: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Works,
    /// The receipt fails; the events may be durable all the same.
    Fails {
        durable: bool,
    },
    /// The receipt is dropped.
    Dropped {
        durable: bool,
    },
    /// The receipt comes late, after `ms`.
    Late {
        ms: u64,
    },
    SourceEnds,
    OpenFails,
    SaveFails,
}

type Shared = Arc<Mutex<World>>;

impl World {
    fn step(&mut self, of: &[fn(&Step) -> bool]) -> Step {
        match self.script.last() {
            Some(step) if of.iter().any(|is| is(step)) => self.script.pop().unwrap(),
            _ => Step::Works,
        }
    }
}

struct FakeSource(Shared);
struct FakeReading {
    world: Shared,
    next: i64,
    batch: i64,
}

#[async_trait]
impl Source for FakeSource {
    async fn open(&mut self, _cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
        let mut world = self.0.lock().unwrap();
        world.opened += 1;
        if world.step(&[|step| *step == Step::OpenFails]) == Step::OpenFails {
            return Err(transient("not open"));
        }
        Ok(Box::new(FakeReading { world: self.0.clone(), next: world.saved, batch: 1 }))
    }
}

#[async_trait]
impl Reading for FakeReading {
    async fn next(&mut self) -> Result<Batch, Stop> {
        let (from, to) = {
            let mut world = self.world.lock().unwrap();
            if world.step(&[|step| *step == Step::SourceEnds]) == Step::SourceEnds {
                return Err(transient("cut"));
            }
            (self.next, (self.next + self.batch).min(world.made))
        };
        if from == to {
            std::future::pending::<()>().await;
        }
        self.next = to;
        self.batch = self.batch % 5 + 1;
        let event = |number: i64| Event {
            stream: "t".into(),
            value: Bytes::copy_from_slice(&number.to_be_bytes()),
            time_ms: None,
            origin: Origin::Kafka { partition: 0, offset: number },
        };
        let mut positions = Positions::default();
        positions.set(Stream::Partition("t".into(), 0), Place::Next(to));
        Ok(Batch { events: (from..to).map(event).collect(), positions, charge: None })
    }

    async fn save(&mut self, positions: &Positions) -> Result<(), Stop> {
        let mut world = self.world.lock().unwrap();
        let Some((_, Place::Next(next))) = positions.iter().next() else { panic!("no position") };
        if let Some(lost) = (0..*next).find(|number| !world.durable.contains(number)) {
            world.broken = Some(format!("saved {next}, and {lost} is not durable"));
        }
        if world.step(&[|step| *step == Step::SaveFails]) == Step::SaveFails {
            return Err(transient("not saved"));
        }
        world.saved = *next;
        Ok(())
    }

    async fn close(&mut self) {}
}

struct FakeSink(Shared);
struct FakeWriting(Shared);

#[async_trait]
impl Sink for FakeSink {
    async fn open(&mut self) -> Result<Box<dyn Writing>, Stop> {
        Ok(Box::new(FakeWriting(self.0.clone())))
    }
}

#[async_trait]
impl Writing for FakeWriting {
    fn cluster(&self) -> Option<&str> {
        Some("c")
    }

    async fn deliver(&mut self, events: Vec<Event>) -> Result<Receipt, Stop> {
        let numbers: Vec<i64> = events.iter().map(|it| i64::from_be_bytes((*it.value).try_into().unwrap())).collect();
        let step = self.0.lock().unwrap().step(&[
            |step| matches!(step, Step::Fails { .. } | Step::Dropped { .. }),
            |step| matches!(step, Step::Late { .. }),
        ]);
        let (settle, receipt) = Receipt::new();
        let world = self.0.clone();
        let make_durable = move || world.lock().unwrap().durable.extend(numbers);
        match step {
            Step::Fails { durable } => {
                if durable {
                    make_durable();
                }
                settle.settle(Err(transient("refused")));
            }
            Step::Dropped { durable } => {
                if durable {
                    make_durable();
                }
                drop(settle);
            }
            Step::Late { ms } => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    make_durable();
                    settle.settle(Ok(()));
                });
            }
            _ => {
                make_durable();
                settle.settle(Ok(()));
            }
        }
        Ok(receipt)
    }

    async fn close(&mut self) {}
}

fn transient(text: &str) -> Stop {
    Stop::transient(Reason::Transport, text, Pace::at_once(1, 60))
}

fn feed(world: &Shared) -> (Feed, Arc<Status>) {
    let status = Arc::new(Status::new("f", Metrics::new().unwrap().feed("f")));
    let (source, sink) = (Box::new(FakeSource(world.clone())), Box::new(FakeSink(world.clone())));
    let shutdown_timeout = Duration::from_secs(30);
    (Feed { source, sink, status: status.clone(), shutdown_timeout }, status)
}

/// Runs a feed over a script; `crashes` are moments (ms) at which the process is killed and started again.
fn play(made: i64, script: Vec<Step>, crashes: &[u64]) -> World {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let world: Shared = Arc::new(Mutex::new(World { made, script, ..World::default() }));
    runtime.block_on(async {
        for crash in crashes {
            // What was in flight may still land, as it may in a broker; nobody hears of it.
            let running = run(feed(&world).0, CancellationToken::new());
            let _ = tokio::time::timeout(Duration::from_millis(*crash), running).await;
        }
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(feed(&world).0, shutdown.clone()));
        let all_saved = async {
            while world.lock().unwrap().saved < made {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let hours = Duration::from_secs(100 * 3600);
        tokio::time::timeout(hours, all_saved).await.expect("it never came to an end");
        shutdown.cancel();
        tokio::time::timeout(hours, running).await.expect("it did not shut down").unwrap();
    });
    let mut world = world.lock().unwrap();
    std::mem::take(&mut *world)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Works),
        2 => any::<bool>().prop_map(|durable| Step::Fails { durable }),
        2 => any::<bool>().prop_map(|durable| Step::Dropped { durable }),
        3 => (0u64..5_000).prop_map(|ms| Step::Late { ms }),
        2 => Just(Step::SourceEnds),
        1 => Just(Step::OpenFails),
        1 => Just(Step::SaveFails),
    ];
    prop::collection::vec(step, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    /// For any interleaving of batches, receipts, failures and crashes: no saved position passes an event that is not
    /// durable, and every event is delivered at least once.
    #[test]
    fn nothing_is_lost_whatever_happens(
        made in 1i64..60,
        script in steps(),
        crashes in prop::collection::vec(0u64..4_000, 0..4),
    ) {
        let world = play(made, script, &crashes);
        prop_assert_eq!(&world.broken, &None);
        let mut firsts: Vec<i64> = Vec::new();
        for number in &world.durable {
            if !firsts.contains(number) { firsts.push(*number); }
        }
        firsts.sort_unstable();
        prop_assert_eq!(firsts, (0..made).collect::<Vec<_>>());
    }
}

#[test]
fn a_dropped_receipt_is_lost_never_done() {
    let world = play(1, vec![Step::Dropped { durable: false }], &[]);
    assert_eq!((world.durable, world.opened, world.broken), (vec![0], 2, None));
}

/// What failed, and what was on its way behind it, comes again; what was saved before it does not.
#[tokio::test(start_paused = true)]
async fn f26_after_a_failed_receipt_only_what_was_not_saved_comes_again() {
    let script = vec![Step::Fails { durable: true }];
    let world: Shared =
        Arc::new(Mutex::new(World { made: 6, saved: 3, durable: vec![0, 1, 2], script, ..World::default() }));
    let running = tokio::spawn(run(feed(&world).0, CancellationToken::new()));
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.abort();
    let mut world = world.lock().unwrap();
    world.durable.sort_unstable();
    let often = |number: i64| world.durable.iter().filter(|other| **other == number).count();
    assert_eq!((0..3).map(often).collect::<Vec<_>>(), [1, 1, 1], "saved before the failure");
    assert_eq!(often(3), 2, "durable, and yet its receipt failed");
    assert_eq!((world.saved, world.opened, &world.broken), (6, 2, &None));
}

#[test]
fn what_was_accepted_becomes_durable_before_a_feed_opens_again() {
    // The last of the script comes first: a batch whose receipt is late, then the source ends.
    let world = play(3, vec![Step::SourceEnds, Step::Late { ms: 3_000 }], &[]);
    assert_eq!((world.durable, world.opened), (vec![0, 1, 2], 2), "nothing was fetched twice");
}

#[test]
fn too_many_batches_without_receipts_close_the_source_until_they_are_durable() {
    let world = play(4_000, vec![Step::Late { ms: 60_000 }; MOST_BATCHES], &[]);
    let mut durable = world.durable;
    durable.sort_unstable();
    assert_eq!((world.opened, durable), (2, (0..4_000).collect()), "closed once, and nothing was fetched twice");
}

#[tokio::test(start_paused = true)]
async fn one_that_a_person_must_mend_stops_and_is_not_opened_again() {
    struct Refused;
    #[async_trait]
    impl Sink for Refused {
        async fn open(&mut self) -> Result<Box<dyn Writing>, Stop> {
            Err(Stop::fatal(Reason::Topic, "no such topic", "create it"))
        }
    }
    let world = Shared::default();
    let (mut feed, status) = feed(&world);
    feed.sink = Box::new(Refused);
    run(feed, CancellationToken::new()).await;
    assert_eq!(status.phase(), Phase::Stopped);
    assert_eq!(world.lock().unwrap().opened, 0, "the source is not bothered");
    assert!(serde_json::to_string(&status.snapshot()).unwrap().contains(r#""remedy":"create it""#));
}

#[tokio::test(start_paused = true)]
async fn a_shut_down_waits_for_receipts_up_to_its_limit() {
    for (late, saved) in [(29_000, 1), (31_000, 0)] {
        let world: Shared =
            Arc::new(Mutex::new(World { made: 1, script: vec![Step::Late { ms: late }], ..World::default() }));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(run(feed(&world).0, shutdown.clone()));
        tokio::time::sleep(Duration::from_millis(1)).await;
        shutdown.cancel();
        running.await.unwrap();
        assert_eq!(world.lock().unwrap().saved, saved, "{late} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn openings_that_fail_are_never_hammered() {
    let script = vec![Step::OpenFails; 2_000];
    let world: Shared = Arc::new(Mutex::new(World { made: 1, script, ..World::default() }));
    let running = tokio::spawn(run(feed(&world).0, CancellationToken::new()));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let opened = world.lock().unwrap().opened;
    // 0 s, 1 s, 2 s, … 60 s with jitter: an hour holds some 65 of them.
    assert!((40..=95).contains(&opened), "{opened} openings in an hour");
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn time_that_an_opening_waited_in_vain_is_part_of_the_wait() {
    struct Silent(Shared);
    #[async_trait]
    impl Source for Silent {
        async fn open(&mut self, _cluster: Option<&str>) -> Result<Box<dyn Reading>, Stop> {
            self.0.lock().unwrap().opened += 1;
            tokio::time::sleep(Duration::from_secs(10)).await;
            Err(transient("no answer"))
        }
    }
    let world = Shared::default();
    let (mut feed, _) = feed(&world);
    feed.source = Box::new(Silent(world.clone()));
    let _ = tokio::time::timeout(Duration::from_secs(42), run(feed, CancellationToken::new())).await;
    // At 0, 10, 20, 30 and 40 s. With waits of 1, 2 and 4 s between them there would be four.
    assert_eq!(world.lock().unwrap().opened, 5);
}

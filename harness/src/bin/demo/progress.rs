//! Progress while it happens: bars on a terminal, else a line now and then.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// What there is on each side at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Events made by the org.
    pub(crate) made: u64,
    /// Records of them in Kafka, doubled ones too.
    pub(crate) arrived: u64,
    /// Records of Kafka that the org accepted.
    pub(crate) back: u64,
}

/// Shows it.
pub(crate) struct Progress {
    begin: Instant,
    shown: Option<Instant>,
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    made: ProgressBar,
    arrived: ProgressBar,
    back: ProgressBar,
}

impl Progress {
    pub(crate) fn new(events: u64, records: u64) -> Self {
        let bars = std::io::stderr().is_terminal().then(|| {
            let all = MultiProgress::new();
            let bar = |name: &'static str, length: u64| {
                all.add(ProgressBar::new(length).with_style(style()).with_prefix(name))
            };
            Bars {
                made: bar("made by Salesforce", events),
                arrived: bar("arrived in Kafka", events),
                back: bar("back to Salesforce", records),
                all,
            }
        });
        Self { begin: Instant::now(), shown: None, bars }
    }

    pub(crate) fn show(&mut self, seen: Seen) {
        if let Some(bars) = &self.bars {
            for (bar, count) in [(&bars.made, seen.made), (&bars.arrived, seen.arrived), (&bars.back, seen.back)] {
                bar.set_position(count.min(bar.length().unwrap_or(count)));
            }
        } else if self.shown.is_none_or(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            let Seen { made, arrived, back } = seen;
            println!("{:4} s  made {made:6}  arrived {arrived:6}  way back {back:5}", self.begin.elapsed().as_secs());
        }
    }

    pub(crate) fn note(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _nobody_looks = bars.all.println(text);
            }
            None => println!("        {text}"),
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bars) = &self.bars {
            [&bars.made, &bars.arrived, &bars.back].into_iter().for_each(ProgressBar::abandon);
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:18} {bar:40} {pos:>7}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

const EVERY: Duration = Duration::from_secs(2);

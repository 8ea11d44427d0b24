//! What came of it: one table and a verdict.

use harness::verify::Verdict;
use std::fmt;
use std::time::Duration;

/// The verdicts of the demo.
pub(crate) struct Report {
    pub(crate) outward: Vec<(&'static str, Verdict)>,
    pub(crate) back: Verdict,
    pub(crate) took: Duration,
}

impl Report {
    /// Whether nothing was lost, altered or out of order.
    pub(crate) fn is_good(&self) -> bool {
        self.verdicts().all(|verdict| verdict.is_whole())
    }

    fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.outward.iter().map(|(_, verdict)| *verdict).chain([self.back])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:36}{:>8}{:>9}{:>7}{:>9}{:>14}", "", "made", "arrived", "lost", "doubled", "out of order")?;
        let rows = self.outward.iter().map(|(channel, verdict)| (format!("{channel} → Kafka"), verdict));
        for (name, verdict) in rows.chain([("Kafka → Shipment__e".to_owned(), &self.back)]) {
            let Verdict { made, arrived, lost, doubled, out_of_order, .. } = verdict;
            writeln!(f, "{name:36}{made:>8}{arrived:>9}{lost:>7}{doubled:>9}{out_of_order:>14}")?;
        }
        let sum = |count: fn(&Verdict) -> u64| self.verdicts().map(|verdict| count(&verdict)).sum::<u64>();
        writeln!(f)?;
        if self.is_good() {
            writeln!(f, "Nothing was lost, altered or out of order, although crossfeed was killed in mid-stream.")?;
        } else {
            let (altered, unknown) = (sum(|verdict| verdict.altered), sum(|verdict| verdict.unknown));
            let lost = sum(|verdict| verdict.lost);
            writeln!(f, "THIS MUST NOT BE: {lost} lost, {altered} altered, {unknown} never made; see the table.")?;
        }
        match sum(|verdict| verdict.doubled) {
            0 => {
                writeln!(f, "None came twice this time; a kill may double what was not yet confirmed (at least once).")?
            }
            doubled => writeln!(
                f,
                "{doubled} came twice: what was not yet confirmed at the kill was sent again (at least once)."
            )?,
        }
        write!(
            f,
            "It took {:.0} s. Read on in README.md and docs/; configurations to start from are in config/.",
            self.took.as_secs_f64()
        )
    }
}

//! The row of disturbances, and their end.

use super::Order;
use super::blow::{Blow, Side};
use super::chance::Chance;
use crate::pressure::slow_down;
use crate::{Error, Fault, Kafka, Org, Proxy};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Where it rages.
pub(super) struct Storm<'s> {
    pub(super) org: &'s Org,
    pub(super) to_org: &'s Proxy,
    pub(super) to_kafka: &'s Proxy,
    pub(super) order: Order,
}

impl Storm<'_> {
    /// Disturbs until the time is over, and lets all disturbances end. How many there were, by kind.
    pub(super) async fn rage(&self, kafka: &mut Kafka) -> Result<BTreeMap<&'static str, u64>, Error> {
        let broker = kafka.bootstrap().to_owned();
        let (blows, restarted) = tokio::join!(self.blows(&broker), self.restarts(kafka));
        let mut blows = blows?;
        blows.insert("kafka restarted", restarted?);
        self.end(&broker).await?;
        Ok(blows)
    }

    async fn blows(&self, broker: &str) -> Result<BTreeMap<&'static str, u64>, Error> {
        let (mut chance, mut counts) = (Chance::new(self.order.seed), BTreeMap::new());
        let end = Instant::now() + Duration::from_secs(self.order.seconds);
        let mut lasting = FuturesUnordered::new();
        while Instant::now() < end {
            let (pause, blow) = (chance.millis(50, 500), Blow::next(&mut chance));
            tracing::debug!(?blow, ?pause, "next");
            *counts.entry(blow.kind()).or_default() += 1;
            lasting.push(self.strike(blow, broker));
            let pause = sleep(pause);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    Some(done) = lasting.next() => done?,
                    () = &mut pause => break,
                }
            }
        }
        while let Some(done) = lasting.next().await {
            done?;
        }
        Ok(counts)
    }

    /// Does it, and lets it pass where it lasts.
    async fn strike(&self, blow: Blow, broker: &str) -> Result<(), Error> {
        match blow {
            Blow::Spoil(fault) => {
                self.org.fault(&Fault { with_events: true, ..Fault::next("connect", fault) }).await?;
            }
            Blow::End(how) => drop(self.org.end_sessions(how).await?),
            Blow::Revoke => drop(self.org.revoke_tokens().await?),
            Blow::Cut(side) => drop(self.proxy(side).cut()),
            Blow::HalfOpen(side, time) => {
                self.proxy(side).blackhole();
                sleep(time).await;
                self.proxy(side).heal();
            }
            Blow::Delay(side, by) => self.proxy(side).delay(by),
            Blow::Refuse(side, time) => {
                self.proxy(side).refuse().await;
                sleep(time).await;
                self.proxy(side).listen().await?;
            }
            Blow::CutIdle(cut) => self.to_org.cut_idle(cut.then_some(IDLE)),
            // Kafka may be down just now: then its rate stays as it is.
            Blow::Slow(rate) => drop(slow_down(broker, rate).await),
        }
        Ok(())
    }

    /// Kills the broker, and starts it again after a second or so, at even distances.
    async fn restarts(&self, kafka: &mut Kafka) -> Result<u64, Error> {
        let (begin, mut chance) = (Instant::now(), Chance::new(!self.order.seed));
        for number in 1..=self.order.restarts {
            let at = self.order.seconds * 1000 * number / (self.order.restarts + 1);
            sleep_until(begin + Duration::from_millis(at)).await;
            kafka.kill().await?;
            sleep(chance.millis(200, 2_000)).await;
            kafka.start_again().await?;
        }
        Ok(self.order.restarts)
    }

    async fn end(&self, broker: &str) -> Result<(), Error> {
        self.org.clear_faults().await?;
        slow_down(broker, None).await?;
        for side in [Side::Org, Side::Kafka] {
            let proxy = self.proxy(side);
            proxy.delay(Duration::ZERO);
            proxy.cut_idle(None);
            proxy.heal();
            proxy.listen().await?;
            // What is dead is told so: librdkafka would find it after a minute.
            proxy.cut();
        }
        Ok(())
    }

    fn proxy(&self, side: Side) -> &Proxy {
        match side {
            Side::Org => self.to_org,
            Side::Kafka => self.to_kafka,
        }
    }
}

/// Shorter than the org's hold.
const IDLE: Duration = Duration::from_millis(1_500);

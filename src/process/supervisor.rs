//! Who runs the feeds: one at a time it does what it is told.

use super::reload::{self, Changes};
use super::slot::Slot;
use super::{Answer, Command, Control, Error, Roster, Work};
use crate::config::{self, Config};
use crate::feed::{Feed, Phase, Status};
use crate::position::{Paused, Store};
use crate::shared::{Org, Shared, log_out};
use crate::{sink, source};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Runs the feeds of a file.
pub struct Supervisor {
    path: PathBuf,
    config: Config,
    shared: Shared,
    slots: BTreeMap<String, Slot>,
    tasks: JoinSet<()>,
    commands: mpsc::Receiver<Command>,
    roster: watch::Sender<Arc<Roster>>,
    shutdown: CancellationToken,
}

impl Supervisor {
    /// A supervisor of the feeds in `config`, which was read from `path` and is read from there again when it is told to
    /// reload. Nothing runs yet.
    ///
    /// # Errors
    /// Whether a feed is paused cannot be read.
    pub fn new(
        path: PathBuf,
        config: Config,
        shared: Shared,
        shutdown: CancellationToken,
    ) -> Result<(Self, Control), Error> {
        let (tell, commands) = mpsc::channel(COMMANDS_WAITING);
        let (roster, seen) = watch::channel(Arc::default());
        let control = Control { commands: tell, roster: seen };
        let (slots, tasks) = (BTreeMap::new(), JoinSet::new());
        let mut supervisor = Self { path, config, shared, slots, tasks, commands, roster, shutdown };
        for feed in &supervisor.config.feeds {
            let slot = slot(&supervisor.shared, &feed.name)?;
            supervisor.slots.insert(feed.name.clone(), slot);
        }
        supervisor.publish();
        Ok((supervisor, control))
    }

    /// Runs every feed that is not paused. Returns after the shut-down, when each has ended: in its own time, or once
    /// `at_once` says so. One feed's end is never another's.
    pub async fn run(mut self, at_once: CancellationToken) -> Shared {
        tokio::select! {
            biased;
            () = at_once.cancelled() => {}
            () = self.supervise() => {}
        }
        self.tasks.shutdown().await;
        self.shared
    }

    async fn supervise(&mut self) {
        for name in self.slots.keys().cloned().collect::<Vec<_>>() {
            self.start(&name);
        }
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                Some(ended) = self.tasks.join_next() => self.report(ended),
                Some(command) = self.commands.recv() => self.obey(command).await,
            }
        }
        // Whoever waits for an answer has one now.
        self.commands.close();
        while self.commands.try_recv().is_ok() {}
        while let Some(ended) = self.tasks.join_next().await {
            told_of_a_bug(ended);
        }
    }

    async fn obey(&mut self, command: Command) {
        // Whoever asked may be gone; it is done all the same.
        match command {
            Command::Pause { feed, paused, answer } => {
                let done = self.pause(&feed, paused).await;
                give(answer, done);
            }
            Command::Resume { feed, answer } => {
                let done = self.resume(&feed).await;
                give(answer, done);
            }
            Command::WhilePaused { feed, work, answer } => {
                let done = self.while_paused(&feed, work).await;
                give(answer, done);
            }
            Command::WhileRunning { work, answer } => {
                let done = self.on_the_store(work).await;
                give(answer, done);
            }
            Command::Reload { answer } => {
                let done = self.reload().await;
                match &done {
                    Ok(Changes { added, changed, removed, unchanged }) => {
                        tracing::info!(?added, ?changed, ?removed, ?unchanged, "reloaded");
                    }
                    Err(error) => tracing::error!("not reloaded, nothing was changed: {error}"),
                }
                give(answer, done);
            }
        }
    }

    async fn pause(&mut self, feed: &str, paused: Paused) -> Result<Paused, Error> {
        if let Some(standing) = &self.slot(feed)?.paused {
            return Ok(standing.clone());
        }
        // Written down first: a pause that was answered holds, whatever happens.
        let (name, said) = (feed.to_owned(), paused.clone());
        self.on_the_store(move |store| store.set_paused(&name, Some(&said))).await??;
        let slot = self.slot(feed)?;
        slot.paused = Some(paused.clone());
        slot.tell_to_stop();
        slot.stopped().await;
        slot.status.paused(&paused);
        Ok(paused)
    }

    async fn resume(&mut self, feed: &str) -> Result<bool, Error> {
        if self.slot(feed)?.paused.is_some() {
            let name = feed.to_owned();
            self.on_the_store(move |store| store.set_paused(&name, None)).await??;
            self.slot(feed)?.paused = None;
            tracing::info!(feed, "resumed");
        }
        let slot = self.slot(feed)?;
        if slot.runs() && slot.status.phase() == Phase::Waiting {
            // Whoever has mended the cause need not wait for the next try.
            slot.tell_to_stop();
            slot.stopped().await;
        }
        Ok(self.start(feed))
    }

    async fn while_paused(&mut self, feed: &str, work: Work) -> Result<(), Error> {
        let slot = self.slot(feed)?;
        slot.tell_to_stop();
        slot.stopped().await;
        let done = self.on_the_store(work).await;
        self.start(feed);
        done
    }

    async fn reload(&mut self) -> Result<Changes, Error> {
        let path = self.path.clone();
        let new = tokio::task::spawn_blocking(move || Config::load(&path)).await.map_err(|_| Error::Bug)??;
        let changes = reload::compare(&self.config, &new).map_err(|settings| Error::Fixed { settings })?;
        let mut made = BTreeMap::new();
        for (name, org) in reload::orgs_to_make(&self.config, &new) {
            made.insert(name.to_owned(), Org::new(name, org, &new, false)?);
        }
        let mut fresh = BTreeMap::new();
        for name in changes.added.iter().chain(&changes.changed) {
            fresh.insert(name.clone(), slot(&self.shared, name)?);
        }
        // From here on nothing can fail.
        let leaving = changes.removed.iter().chain(&changes.changed);
        let leaving: Vec<Slot> = leaving.filter_map(|name| self.slots.remove(name)).collect();
        leaving.iter().for_each(Slot::tell_to_stop);
        for slot in &leaving {
            slot.stopped().await;
        }
        // Before the new gates log in: of a refresh token there is one user at a time.
        let orgs = reload::orgs_to_leave(&self.config, &new);
        let left: Vec<_> = orgs.iter().filter_map(|name| self.shared.orgs.remove_entry(name)).collect();
        log_out(left.iter().map(|(name, org)| (name.as_str(), org))).await;
        self.shared.orgs.append(&mut made);
        self.shared.clusters = Shared::clusters(&new);
        self.config = new;
        self.slots.append(&mut fresh);
        self.publish();
        changes.removed.iter().for_each(|feed| self.shared.metrics.forget_feed(feed));
        changes.changed.iter().for_each(|feed| self.shared.metrics.forget_streams(feed));
        orgs.iter().for_each(|org| self.shared.metrics.forget_org(org));
        for name in changes.added.iter().chain(&changes.changed) {
            self.start(name);
        }
        Ok(changes)
    }

    /// Starts a feed that is not paused and does not run; whether it did.
    fn start(&mut self, name: &str) -> bool {
        let Some(slot) = self.slots.get_mut(name) else { return false };
        if slot.paused.is_some() || slot.runs() {
            return false;
        }
        let written = self.config.feeds.iter().find(|feed| feed.name == name);
        let timeout = self.config.shutdown_timeout;
        let feed = written.and_then(|written| build(written, &self.shared, &slot.status, timeout));
        let Some(feed) = feed else { return false };
        slot.start(feed, &self.shutdown, &mut self.tasks);
        true
    }

    fn slot(&mut self, feed: &str) -> Result<&mut Slot, Error> {
        if !self.slots.contains_key(feed) {
            let known = self.slots.keys().cloned().collect();
            return Err(Error::UnknownFeed { feed: feed.to_owned(), known });
        }
        self.slots.get_mut(feed).ok_or(Error::Bug)
    }

    async fn on_the_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let store = self.shared.store.clone();
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| Error::Bug)
    }

    fn publish(&self) {
        let statuses = self.slots.values().map(|slot| slot.status.clone()).collect();
        let orgs = self.shared.orgs.iter().map(|(name, org)| (name.clone(), org.gate.clone())).collect();
        self.roster.send_replace(Arc::new(Roster { statuses, orgs, feeds: self.config.feeds.clone() }));
    }

    /// A feed ends by itself only when a person must act. The process stays: a supervisor that starts it again and again
    /// would log in again and again, and lock the user out.
    fn report(&self, ended: Result<(), tokio::task::JoinError>) {
        told_of_a_bug(ended);
        let phases: Vec<Phase> = self.slots.values().map(|slot| slot.status.phase()).collect();
        let idle = |phase: &Phase| matches!(phase, Phase::Stopped | Phase::Paused | Phase::Done);
        if phases.contains(&Phase::Stopped) && phases.iter().all(idle) {
            tracing::error!("no feed is running any more: see the remedies above, then resume the feeds, or restart");
        }
    }
}

/// The place of a feed that does not run yet.
fn slot(shared: &Shared, feed: &str) -> Result<Slot, Error> {
    let (status, paused) = (Status::new(feed, shared.metrics.feed(feed)), shared.store.paused(feed)?);
    if let Some(paused) = &paused {
        status.paused(paused);
    }
    Ok(Slot::new(Arc::new(status), paused))
}

/// A feed, ready to run. Its names were checked when the file was read.
fn build(
    written: &config::Feed,
    shared: &Shared,
    status: &Arc<Status>,
    shutdown_timeout: std::time::Duration,
) -> Option<Feed> {
    let (source, sink) = (source::build(written, shared, status)?, sink::build(written, shared, status)?);
    Some(Feed { source, sink, status: status.clone(), shutdown_timeout })
}

fn give<T>(answer: Answer<T>, done: Result<T, Error>) {
    drop(answer.send(done));
}

fn told_of_a_bug(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a feed failed in a way that it must not; please report this");
    }
}

/// So many commands may wait for the one that is being done.
const COMMANDS_WAITING: usize = 16;

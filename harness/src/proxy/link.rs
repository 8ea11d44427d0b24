//! One connection through the proxy.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

/// What holds for connections. They are numbered from 1 on.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) target: String,
    pub(super) delay: Duration,
    pub(super) idle: Option<Duration>,
    /// Nothing is carried.
    pub(super) swallowing: bool,
    /// Nothing is carried of connections up to this one.
    pub(super) forgotten: u64,
    /// Connections up to this one are reset.
    pub(super) cut: u64,
}

/// What is counted of all connections.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) accepted: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) idle_cuts: AtomicU64,
}

/// A connection, as long as it is open.
pub(super) struct Link {
    number: u64,
    rules: watch::Receiver<Rules>,
    counts: Arc<Counts>,
    last_piece: Mutex<Instant>,
}

impl Link {
    pub(super) fn new(rules: watch::Receiver<Rules>, counts: Arc<Counts>) -> Self {
        let number = counts.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        counts.open.fetch_add(1, Ordering::SeqCst);
        Self { number, rules, counts, last_piece: Mutex::new(Instant::now()) }
    }

    /// Carries what comes to the target, and what comes from there back, until one end closes or something cuts it.
    pub(super) async fn carry(self, mut inward: TcpStream) {
        let outward = tokio::select! {
            biased;
            () = self.is_cut() => None,
            outward = self.connect() => outward.ok(),
        };
        let Some(mut outward) = outward else { return reset(&inward) };
        let both_are_done = tokio::select! {
            biased;
            () = self.is_cut() => false,
            () = self.is_idle() => {
                self.counts.idle_cuts.fetch_add(1, Ordering::SeqCst);
                false
            }
            carried = self.exchange(&mut inward, &mut outward) => carried.is_ok(),
        };
        if !both_are_done {
            reset(&inward);
            reset(&outward);
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        self.carries().await;
        let target = self.rules.borrow().target.clone();
        let outward = TcpStream::connect(target).await?;
        outward.set_nodelay(true)?;
        Ok(outward)
    }

    async fn exchange(&self, inward: &mut TcpStream, outward: &mut TcpStream) -> io::Result<()> {
        inward.set_nodelay(true)?;
        let (from_client, to_client) = inward.split();
        let (from_target, to_target) = outward.split();
        tokio::try_join!(self.pump(from_client, to_target), self.pump(from_target, to_client)).map(drop)
    }

    async fn pump(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            self.carries().await;
            let read = tokio::select! {
                biased;
                () = self.falls_silent() => continue,
                read = from.read(&mut piece) => read?,
            };
            *self.last_piece.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let delay = self.rules.borrow().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
                self.carries().await;
            }
            match piece.get(..read) {
                Some(piece) if read > 0 => to.write_all(piece).await?,
                _ => return to.shutdown().await,
            }
        }
    }

    async fn is_cut(&self) {
        self.until(|rules| rules.cut >= self.number).await;
    }

    async fn carries(&self) {
        self.until(|rules| !self.is_swallowed(rules)).await;
    }

    async fn falls_silent(&self) {
        self.until(|rules| self.is_swallowed(rules)).await;
    }

    fn is_swallowed(&self, rules: &Rules) -> bool {
        rules.swallowing || rules.forgotten >= self.number
    }

    /// Waits until nothing came for as long as is allowed.
    async fn is_idle(&self) {
        let mut rules = self.rules.clone();
        loop {
            let limit = rules.borrow_and_update().idle;
            let last = *self.last_piece.lock().unwrap_or_else(PoisonError::into_inner);
            if limit.is_some_and(|limit| last.elapsed() >= limit) {
                return;
            }
            tokio::select! {
                Ok(()) = rules.changed() => {}
                () = tokio::time::sleep_until(last + limit.unwrap_or(NEVER)) => {}
            }
        }
    }

    async fn until(&self, condition: impl Fn(&Rules) -> bool) {
        let mut rules = self.rules.clone();
        if rules.wait_for(|rules| condition(rules)).await.is_err() {
            // The proxy ends, and with it this.
            std::future::pending().await
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Closes without a word of parting, once the stream is dropped: the other end reads an error, not the end.
fn reset(stream: &TcpStream) {
    let _closed_already = stream.set_zero_linger();
}

const PIECE: usize = 64 << 10;
const NEVER: Duration = Duration::from_secs(86_400);

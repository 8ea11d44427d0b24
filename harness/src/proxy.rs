//! A TCP proxy on loopback that does to connections what networks do: cuts them, forgets them, slows them down.

mod link;

use crate::Error;
use link::{Counts, Link, Rules};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running proxy. Dropping it ends it, with all of its connections.
///
/// What was told holds from the moment on at which the call returns, for open connections too unless said otherwise.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    rules: watch::Sender<Rules>,
    counts: Arc<Counts>,
    door: Mutex<Door>,
    ended: CancellationToken,
    _end: DropGuard,
}

/// What stands at the address.
#[derive(Debug)]
enum Door {
    Open(JoinHandle<()>),
    /// Nothing: attempts to connect are refused.
    Gone,
    /// A listener whose queue is full: attempts to connect get no answer.
    Silent {
        _listener: TcpListener,
        _queue: Vec<TcpStream>,
    },
}

impl Proxy {
    /// Listens on a free port, and leads what connects there to `target`, `host:port`.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(target: &str) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::io("no port for the proxy"))?;
        let address = listener.local_addr().map_err(Error::io("no port for the proxy"))?;
        let ended = CancellationToken::new();
        let proxy = Self {
            address,
            rules: watch::Sender::new(Rules { target: target.to_owned(), ..Rules::default() }),
            counts: Arc::default(),
            door: Mutex::new(Door::Gone),
            _end: ended.clone().drop_guard(),
            ended,
        };
        proxy.stand(Door::Open(proxy.serve(listener)));
        Ok(proxy)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets every open connection, as a firewall or a dying host does; how many those were.
    pub fn cut(&self) -> u64 {
        let open = self.open();
        let last = self.counts.accepted.load(Ordering::SeqCst);
        self.rules.send_modify(|rules| rules.cut = last);
        open
    }

    /// Carries nothing any more, and closes nothing: neither end is told. What was open at [`Proxy::heal`] stays so for
    /// good, as behind a router that forgot it.
    pub fn blackhole(&self) {
        self.rules.send_modify(|rules| rules.swallowing = true);
    }

    /// Ends [`Proxy::blackhole`] for connections to come.
    pub fn heal(&self) {
        let last = self.counts.accepted.load(Ordering::SeqCst);
        self.rules.send_modify(|rules| {
            if std::mem::take(&mut rules.swallowing) {
                rules.forgotten = last;
            }
        });
    }

    /// Lets every piece wait so long before it goes on, either way.
    pub fn delay(&self, by: Duration) {
        self.rules.send_modify(|rules| rules.delay = by);
    }

    /// Resets connections on which nothing came for so long.
    pub fn cut_idle(&self, after: Option<Duration>) {
        self.rules.send_modify(|rules| rules.idle = after);
    }

    /// Leads connections to come elsewhere, as a name does whose address has changed.
    pub fn lead_to(&self, target: &str) {
        self.rules.send_modify(|rules| target.clone_into(&mut rules.target));
    }

    /// Refuses connections to come, until [`Proxy::listen`]. Open ones stay.
    pub async fn refuse(&self) {
        if let Door::Open(serving) = self.stand(Door::Gone) {
            serving.abort();
            let _aborted = serving.await;
        }
    }

    /// Leaves attempts to connect without any answer, as a host does that is gone, until [`Proxy::listen`]. Open
    /// connections stay.
    ///
    /// # Errors
    /// The port was taken meanwhile.
    pub async fn vanish(&self) -> Result<(), Error> {
        self.refuse().await;
        let error = || Error::io(format!("the proxy cannot have {}", self.address));
        let socket = TcpSocket::new_v4().map_err(error())?;
        socket.set_reuseaddr(true).map_err(error())?;
        socket.bind(self.address).map_err(error())?;
        // Nobody takes from its queue of one; a full queue answers no further attempt (listen(2), tcp(7)).
        let listener = socket.listen(0).map_err(error())?;
        let mut queue = Vec::new();
        while let Ok(Ok(filler)) = tokio::time::timeout(UNANSWERED, TcpStream::connect(self.address)).await {
            queue.push(filler);
        }
        self.stand(Door::Silent { _listener: listener, _queue: queue });
        Ok(())
    }

    /// Takes connections again, at the same address.
    ///
    /// # Errors
    /// The port was taken meanwhile.
    pub async fn listen(&self) -> Result<(), Error> {
        self.refuse().await;
        let listener = TcpListener::bind(self.address).await;
        let listener = listener.map_err(Error::io(format!("the proxy cannot have {} again", self.address)))?;
        self.stand(Door::Open(self.serve(listener)));
        Ok(())
    }

    /// How many connections are open: those that it carries, and those that it forgot.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// How many connections it ever took.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.counts.accepted.load(Ordering::SeqCst)
    }

    /// How many connections it reset because nothing came.
    #[must_use]
    pub fn idle_cuts(&self) -> u64 {
        self.counts.idle_cuts.load(Ordering::SeqCst)
    }

    fn stand(&self, door: Door) -> Door {
        let mut standing = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut standing, door)
    }

    fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let (rules, counts, ended) = (self.rules.subscribe(), self.counts.clone(), self.ended.clone());
        tokio::spawn(async move {
            while let Some(Ok((inward, _))) = ended.run_until_cancelled(listener.accept()).await {
                let link = Link::new(rules.clone(), counts.clone());
                let ended = ended.clone();
                tokio::spawn(async move { ended.run_until_cancelled(link.carry(inward)).await });
            }
        })
    }
}

/// On loopback an attempt to connect is answered within microseconds, or not at all.
const UNANSWERED: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;

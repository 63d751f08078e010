//! The accept loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::{Connection, Place, Serves};
use super::drain::Phase;
use super::stats::Closed;
use super::{ConnectionStats, Drain, Drained, Limits, Listener};

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(super) stats: ConnectionStats,
    pub(super) drain: Drain,
    /// Connections wait here to be called: one after the other, the longest idle first, when there are too many; all
    /// together when the drain has gone on.
    pub(super) called: Notify,
    pub(super) trusted: Box<dyn Trust>,
}

impl Shared {
    /// Waits until a connection that is idle has to go: it is the one that is idle longest, or the server ends.
    pub(crate) async fn leaves(&self) -> Closed {
        // Waits from here on, so that no call is lost between a look at the drain and the wait.
        let called = self.called.notified();
        if self.drain.phase() < Phase::Draining {
            called.await;
        }
        match self.drain.phase() {
            Phase::Serving | Phase::LameDuck => Closed::Shed,
            // With nothing asked, nothing is lost.
            Phase::Draining | Phase::Cut => Closed::Done,
        }
    }

    /// Whether connections end with what they are doing.
    pub(crate) fn is_ending(&self) -> bool {
        self.drain.phase() >= Phase::Draining
    }

    /// Waits until the time is up for connections that are not done.
    pub(crate) async fn cut(&self) -> Closed {
        self.drain.reached(Phase::Cut).await;
        Closed::Cut
    }
}

/// Whom PROXY protocol headers are believed from.
pub(crate) trait Trust: Send + Sync + std::fmt::Debug {
    /// Whether this peer is a proxy of ours.
    fn trusts(&self, peer: std::net::IpAddr) -> bool;
}

/// How often those who are idle are asked again to make way.
const PRESSURE_INTERVAL: Duration = Duration::from_millis(10);
/// How many are asked at once.
const PRESSURE_BATCH: usize = 64;
/// How long one that was accepted waits for a place while the server ends.
const LAST_PLACE: Duration = Duration::from_secs(1);
/// How long to wait when the system has no descriptors left.
const BACKOFF: Duration = Duration::from_millis(50);

/// Listeners, whatever is spoken on each, that share one cap and one end.
#[derive(Debug)]
pub(crate) struct Accepting {
    cap: usize,
    places: Arc<Semaphore>,
    shared: Arc<Shared>,
    listeners: JoinSet<()>,
}

impl Accepting {
    pub(crate) fn new(limits: Limits, stats: ConnectionStats, drain: Drain, trusted: Box<dyn Trust>) -> Self {
        let cap = limits.connections.min(Semaphore::MAX_PERMITS);
        Self {
            cap,
            places: Arc::new(Semaphore::new(cap)),
            shared: Arc::new(Shared { limits, stats, drain, called: Notify::new(), trusted }),
            listeners: JoinSet::new(),
        }
    }

    /// Accepts connections from now on. Call it inside of a runtime.
    pub(crate) fn listen(&mut self, listeners: Vec<Listener>, serves: &impl Serves) {
        for listener in listeners {
            let (places, shared) = (Arc::clone(&self.places), Arc::clone(&self.shared));
            self.listeners.spawn(accept(listener, serves.clone(), places, shared));
        }
    }

    /// Waits until the drain is done.
    pub(crate) async fn drained(mut self) -> Drained {
        let drain = &self.shared.drain;
        drain.begun().await;
        sleep(drain.lame_duck).await;
        drain.advance(Phase::Draining);
        self.shared.called.notify_waiters();
        while self.listeners.join_next().await.is_some() {}
        finish(&self.places, self.cap, &self.shared).await
    }
}

/// Waits for the connections to end, and cuts those that do not.
async fn finish(places: &Semaphore, cap: usize, shared: &Shared) -> Drained {
    let all = u32::try_from(cap).unwrap_or(u32::MAX);
    if timeout(shared.drain.timeout, places.acquire_many(all)).await.is_ok() {
        return Drained { cut: 0 };
    }
    let cut = cap - places.available_permits();
    shared.drain.advance(Phase::Cut);
    shared.called.notify_waiters();
    _ = timeout(Duration::from_secs(1), places.acquire_many(all)).await;
    Drained { cut }
}

async fn accept(listener: Listener, serves: impl Serves, places: Arc<Semaphore>, shared: Arc<Shared>) {
    loop {
        let stream = tokio::select! {
            biased;
            stream = next(&listener) => stream,
            () = shared.drain.reached(Phase::Draining) => break,
        };
        // A place is asked for only now, so that none is kept from other listeners while nobody comes here.
        let place = tokio::select! {
            biased;
            place = place(&places, &shared) => place,
            // Who is idle makes way at once when the server ends, and whoever has been accepted gets an answer.
            () = shared.drain.reached(Phase::Draining) => match timeout(LAST_PLACE, place(&places, &shared)).await {
                Ok(place) => place,
                Err(_) => break,
            },
        };
        spawn(&listener, stream, &serves, place, &shared);
    }
    // What the kernel has accepted for us already would be reset: it gets its answers too.
    while let Ok(place) = Arc::clone(&places).try_acquire_owned()
        && let Ok(Ok(stream)) = timeout(Duration::ZERO, listener.socket.accept()).await
    {
        spawn(&listener, stream, &serves, place, &shared);
    }
}

/// The next connection.
async fn next(listener: &Listener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.socket.accept().await {
            Ok(stream) => return stream,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(BACKOFF).await;
            }
        }
    }
}

/// A place for a connection, once there is one.
async fn place(places: &Arc<Semaphore>, shared: &Shared) -> OwnedSemaphorePermit {
    loop {
        let free = Arc::clone(places).acquire_owned();
        match timeout(PRESSURE_INTERVAL, free).await {
            Ok(Ok(place)) => return place,
            // It is never closed.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => (0..PRESSURE_BATCH).for_each(|_| shared.called.notify_one()),
        }
    }
}

/// Errors of a connection that is gone already, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn spawn(
    listener: &Listener,
    (stream, peer): (TcpStream, SocketAddr),
    serves: &impl Serves,
    permit: OwnedSemaphorePermit,
    shared: &Arc<Shared>,
) {
    shared.stats.accepted.inc();
    shared.stats.open.inc();
    let connection = Connection {
        stream,
        peer: peer.ip(),
        tls: listener.tls.clone(),
        proxy_protocol: listener.proxy_protocol,
        place: Place { permit, shared: Arc::clone(shared) },
    };
    tokio::spawn(connection.run(serves.clone()));
}

//! A network that is slow, silent or gone when it is told to be.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks under way in each direction of a connection: nothing more is read until one has arrived.
const UNDER_WAY: usize = 1024;

/// A proxy of TCP between a store and its server, for the tests of what a store does when the network is not good.
///
/// It listens on loopback and connects to the server anew for each connection; if the server does not let it, the
/// connection is closed. When one end closes it, both ends are closed. All ends when the proxy is dropped.
///
/// ```
/// # use std::io::{Read, Write};
/// # use std::net::{TcpListener, TcpStream};
/// use std::time::Duration;
/// use ratekeeper_store::testkit::Proxy;
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = Proxy::to(server.local_addr()?)?;
/// proxy.delay(Duration::from_millis(1));
/// let mut client = TcpStream::connect(proxy.address())?;
/// let (mut served, _) = server.accept()?;
/// client.write_all(b"hello")?;
/// let mut received = [0; 5];
/// served.read_exact(&mut received)?;
/// proxy.cut();
/// assert_eq!(client.read(&mut received)?, 0);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    stalled: bool,
    cut: bool,
    stopped: bool,
    /// By the number that they were accepted with.
    open: Vec<(u64, [TcpStream; 2])>,
    accepted: u64,
}

/// Bytes on their way, and when they have been long enough.
type Chunk = (Instant, Vec<u8>);

impl Proxy {
    /// A proxy in front of the server at `server`, which lets everything through at once.
    ///
    /// # Errors
    /// If there is no port to listen on.
    pub fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let network = Arc::new(Network::default());
        let accepting = thread::spawn({
            let network = Arc::clone(&network);
            move || network.accept(&listener, server)
        });
        Ok(Self { address, network, accepting: Some(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on every byte takes this long in each direction: a request and its answer take twice as long. As in a
    /// real network, the next does not wait for the one before.
    pub fn delay(&self, delay: Duration) {
        self.network.change(|state| state.delay = delay);
    }

    /// Holds everything that is under way or comes, until [`resume`](Self::resume); connections can be made.
    pub fn stall(&self) {
        self.network.change(|state| state.stalled = true);
    }

    /// Lets everything go on after [`stall`](Self::stall).
    pub fn resume(&self) {
        self.network.change(|state| state.stalled = false);
    }

    /// Closes all connections, whatever is under way, and every new one as soon as it is made, until
    /// [`mend`](Self::mend).
    pub fn cut(&self) {
        self.network.change(|state| {
            state.cut = true;
            state.close_all();
        });
    }

    /// Lets connections be made again after [`cut`](Self::cut).
    pub fn mend(&self) {
        self.network.change(|state| state.cut = false);
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.state.lock().open.len()
    }

    /// How many connections have been made to it, those included that were closed at once.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.network.state.lock().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.change(|state| {
            state.stopped = true;
            state.close_all();
        });
        // Who accepts looks up when somebody comes.
        if TcpStream::connect(self.address).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            _ = accepting.join();
        }
    }
}

impl State {
    fn close_all(&mut self) {
        self.open.drain(..).for_each(|(_, both)| close(&both));
    }

    fn is_open(&self, number: u64) -> bool {
        self.open.iter().any(|(open, _)| *open == number)
    }
}

impl Network {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, server: SocketAddr) {
        for client in listener.incoming() {
            let mut state = self.state.lock();
            if state.stopped {
                return;
            }
            state.accepted += 1;
            let (number, cut) = (state.accepted, state.cut);
            drop(state);
            if let (false, Ok(client)) = (cut, client) {
                // A connection that cannot be made is dropped, which closes it.
                _ = self.connect(number, client, server);
            }
        }
    }

    fn connect(self: &Arc<Self>, number: u64, client: TcpStream, server: SocketAddr) -> io::Result<()> {
        let server = TcpStream::connect(server)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let both = [client.try_clone()?, server.try_clone()?];
        let mut state = self.state.lock();
        if state.cut || state.stopped {
            return Ok(());
        }
        state.open.push((number, both));
        drop(state);
        self.carry(number, client.try_clone()?, server.try_clone()?);
        self.carry(number, server, client);
        Ok(())
    }

    /// Carries bytes in one direction, on two threads: what is under way does not keep the next from being read.
    fn carry(self: &Arc<Self>, number: u64, from: TcpStream, to: TcpStream) {
        let (sender, receiver) = sync_channel(UNDER_WAY);
        let network = Arc::clone(self);
        thread::spawn(move || network.read(from, &sender));
        let network = Arc::clone(self);
        thread::spawn(move || {
            network.write(number, to, &receiver);
            network.close(number);
        });
    }

    fn read(&self, mut from: TcpStream, sender: &SyncSender<Chunk>) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let due = now() + self.state.lock().delay;
            if sender.send((due, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    }

    fn write(&self, number: u64, mut to: TcpStream, receiver: &Receiver<Chunk>) {
        for (due, bytes) in receiver {
            if !self.wait(number, due) || to.write_all(&bytes).is_err() {
                return;
            }
        }
    }

    /// Waits until bytes may arrive; says no if the connection has been closed.
    fn wait(&self, number: u64, due: Instant) -> bool {
        let mut state = self.state.lock();
        while state.is_open(number) {
            if state.stalled {
                self.changed.wait(&mut state);
            } else if now() < due {
                _ = self.changed.wait_until(&mut state, due);
            } else {
                return true;
            }
        }
        false
    }

    fn close(&self, number: u64) {
        self.change(|state| {
            let gone = state.open.extract_if(.., |(open, _)| *open == number);
            gone.for_each(|(_, both)| close(&both));
        });
    }
}

fn close(both: &[TcpStream; 2]) {
    for stream in both {
        // Fails if the other side was quicker.
        _ = stream.shutdown(Shutdown::Both);
    }
}

#[allow(clippy::disallowed_methods, reason = "bytes take real time in a real network")]
fn now() -> Instant {
    Instant::now()
}

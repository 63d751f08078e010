//! One connection: bytes in, commands, bytes out.

use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::time::Duration;

use ratekeeper_resp::{Limits, Parser, Reply};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_io_timeout::TimeoutStream;

use super::RedisFront;
use super::session::Session;
use crate::listen::{Closed, Shared};

/// The most arguments, and bytes, of a request before a token was shown; as in Redis.
const UNKNOWN: (usize, usize) = (10, 16 << 10);
/// Room for what is read at once, at first and at most.
const ROOM: (usize, usize) = (4 << 10, 64 << 10);
/// Answers are sent when there are this many bytes of them, whatever else there is to answer.
const ENOUGH: usize = 64 << 10;
/// How long a client may take to read its last answer.
const LINGER: Duration = Duration::from_secs(1);

/// A connection, with the session that is on it.
pub(super) struct Connection<'s, S> {
    stream: Pin<Box<TimeoutStream<S>>>,
    shared: &'s Shared,
    idle_timeout: Duration,
    parser: Parser,
    /// Whether the parser reads requests of somebody who may ask.
    granted: bool,
    /// What was received and is not answered yet.
    received: Vec<u8>,
    out: Vec<u8>,
    session: Session,
}

impl<'s, S: AsyncRead + AsyncWrite> Connection<'s, S> {
    pub(super) fn new(stream: S, front: &RedisFront, shared: &'s Shared) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(shared.limits.write_timeout));
        let session = Session::new(&front.app);
        let granted = session.access.was_granted();
        Self {
            stream: Box::pin(stream),
            shared,
            idle_timeout: front.idle_timeout,
            parser: parser(&session, granted),
            granted,
            received: Vec::new(),
            out: Vec::new(),
            session,
        }
    }

    /// Answers until one side has enough. The first request must be there at `deadline`.
    pub(super) async fn run(&mut self, mut deadline: Instant) -> Closed {
        let mut alarm = pin!(sleep_until(deadline));
        // Has there been a request, at all and since this connection was called last?
        let (mut greeted, mut used) = (false, false);
        loop {
            self.make_room();
            let was_idle = self.received.is_empty();
            let read = tokio::select! {
                biased;
                read = self.stream.read_buf(&mut self.received) => read,
                // A request that has begun is waited for when the server ends.
                closed = self.shared.leaves(), if was_idle || !self.shared.is_ending() => match closed {
                    // Who has asked since the last time goes to the end of the queue.
                    Closed::Shed if std::mem::take(&mut used) => continue,
                    Closed::Shed => return Closed::Shed,
                    _ if was_idle => return self.end(closed).await,
                    _ => continue,
                },
                () = alarm.as_mut() => {
                    if now() < deadline {
                        alarm.as_mut().reset(deadline);
                        continue;
                    }
                    return Closed::TooSlow;
                }
            };
            match read {
                Ok(0) => return Closed::Done,
                Ok(_) => {}
                Err(_) => return Closed::Failed,
            }
            let answered = self.answer().await;
            if let Err(closed) = self.send().await {
                return closed;
            }
            self.give_room_back();
            let asked = match answered {
                Ok(requests) => requests > 0,
                Err(closed) => return self.end(closed).await,
            };
            if self.shared.is_ending() && (asked || self.received.is_empty()) {
                return self.end(Closed::Done).await;
            }
            (greeted, used) = (greeted | asked, used | asked);
            match (asked, self.received.is_empty()) {
                (true, true) => deadline = now() + self.idle_timeout,
                // The rest of a request may take no longer than its beginning.
                (true, false) => deadline = now() + self.shared.limits.header_timeout,
                (false, false) if was_idle && greeted => deadline = now() + self.shared.limits.header_timeout,
                (false, _) => {}
            }
            // A later deadline is looked at when the alarm rings.
            if deadline < alarm.deadline() {
                alarm.as_mut().reset(deadline);
            }
        }
    }

    /// Answers all requests that are whole; how many they were.
    async fn answer(&mut self) -> Result<usize, Closed> {
        let (mut at, mut answered) = (0, 0);
        let ended = loop {
            let request = match self.parser.parse(&self.received[at..]) {
                Ok(Some(request)) => request,
                Ok(None) => break None,
                Err(error) => {
                    Reply::new(&mut self.out, self.session.version).error(&format!("ERR {error}"));
                    break Some(Closed::Failed);
                }
            };
            at += request.length();
            answered += usize::from(!request.is_empty());
            if let Err(closed) = self.session.answer(&request, &mut self.out).await {
                break Some(closed);
            }
            let granted = self.session.access.was_granted();
            if granted != self.granted {
                self.granted = granted;
                self.parser = parser(&self.session, granted);
            }
            if self.out.len() >= ENOUGH {
                self.send().await?;
            }
        };
        self.received.drain(..at);
        ended.map_or(Ok(answered), Err)
    }

    /// Sends what is answered.
    async fn send(&mut self) -> Result<(), Closed> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        };
        let sent = sent.await;
        self.out.clear();
        sent.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Closed::TooSlow,
            _ => Closed::Failed,
        })
    }

    /// Says that nothing more comes, and lets the client read its last answer: a connection that is closed while it has
    /// sent more would take the answer away from it.
    async fn end(&mut self, closed: Closed) -> Closed {
        let lingering = async {
            self.stream.shutdown().await?;
            loop {
                self.received.clear();
                if self.stream.read_buf(&mut self.received).await? == 0 {
                    return std::io::Result::Ok(());
                }
            }
        };
        _ = timeout(LINGER, lingering).await;
        closed
    }

    /// Makes room for what is received next: more, if the last time filled it.
    fn make_room(&mut self) {
        if self.received.capacity() - self.received.len() < ROOM.0 {
            self.received.reserve(self.received.capacity().clamp(ROOM.0, ROOM.1));
        }
    }

    /// Gives back the room that much at once has taken: most connections are idle most of the time.
    fn give_room_back(&mut self) {
        // Shrunk in place, each buffer would leave a hole behind it that no other large one fits into.
        if self.received.is_empty() && self.received.capacity() > ROOM.0 {
            self.received = Vec::with_capacity(ROOM.0);
            self.parser = parser(&self.session, self.granted);
        }
        if self.out.capacity() > ROOM.0 {
            self.out = Vec::with_capacity(ROOM.0);
        }
    }
}

/// A parser of requests of somebody who may ask, or who has not shown a token yet.
fn parser(session: &Session, granted: bool) -> Parser {
    let mut limits = Limits { request_bytes: session.app.settings.body_bytes, ..Limits::default() };
    if !granted {
        let (arguments, bytes) = UNKNOWN;
        let request_bytes = limits.request_bytes.min(bytes);
        limits = Limits { arguments, argument_bytes: bytes, request_bytes };
    }
    Parser::new(limits)
}

fn now() -> Instant {
    Instant::now()
}

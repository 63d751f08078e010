//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use ratekeeper_http::{Peer, Problem};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_io_timeout::TimeoutStream;

use super::accept::Shared;
use super::drain::Phase;
use super::proxy_protocol;
use super::stats::Closed;
use super::tls::TlsSource;

/// How long a connection that was asked to leave may take to finish its answer.
const LEAVING: std::time::Duration = std::time::Duration::from_secs(10);

/// What is spoken on connections; its clones are the same one.
pub(crate) trait Serves: Clone + Send + Sync + 'static {
    /// Speaks with a client until one side has enough. Its first request must be there at the deadline.
    fn serve<S>(
        self,
        stream: S,
        peer: IpAddr,
        shared: &Arc<Shared>,
        deadline: Instant,
    ) -> impl Future<Output = Closed> + Send
    where
        S: AsyncRead + AsyncWrite + Send + 'static;
}

impl<A: Answers> Serves for A {
    async fn serve<S>(self, stream: S, peer: IpAddr, shared: &Arc<Shared>, deadline: Instant) -> Closed
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        exchange(stream, peer, self, shared, deadline).await
    }
}

/// What answers requests of HTTP; its clones are the same one.
pub(crate) trait Answers: Clone + Send + Sync + 'static {
    /// The answer to one request.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: IpAddr,
    pub(super) tls: Option<Arc<TlsSource>>,
    pub(super) proxy_protocol: bool,
    pub(super) place: Place,
}

/// Its place below the cap.
pub(super) struct Place {
    /// Given back when the connection is gone.
    #[allow(dead_code, reason = "held, not read")]
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) shared: Arc<Shared>,
}

impl Connection {
    pub(super) async fn run(self, serves: impl Serves) {
        let shared = Arc::clone(&self.place.shared);
        let deadline = now() + shared.limits.header_timeout;
        let closed = match self.wait(deadline).await {
            Err(closed) => closed,
            // On the heap, so that a connection that sends nothing is a small task, a descriptor, and nothing more.
            Ok(()) => Box::pin(self.serve(serves, deadline)).await,
        };
        shared.stats.closed(closed);
    }

    /// Waits for the first byte.
    async fn wait(&self, deadline: Instant) -> Result<(), Closed> {
        let (shared, mut first) = (&self.place.shared, [0]);
        tokio::select! {
            // A look at the byte itself: a stream that has just been accepted may say that it is readable before it is.
            sent = timeout_at(deadline, self.stream.peek(&mut first)) => match sent {
                Ok(Ok(0)) => Err(Closed::Done),
                Ok(Ok(_)) => Ok(()),
                Ok(Err(_)) => Err(Closed::Failed),
                Err(_) => Err(Closed::TooSlow),
            },
            closed = shared.leaves() => Err(closed),
        }
    }

    async fn serve(self, serves: impl Serves, deadline: Instant) -> Closed {
        let Self { mut stream, mut peer, tls, proxy_protocol, place } = self;
        let shared = &place.shared;
        // Answers are small and whole: they go out at once.
        if stream.set_nodelay(true).is_err() {
            return Closed::Failed;
        }
        if proxy_protocol {
            match timeout_at(deadline, proxy_protocol::read(&mut stream)).await {
                Ok(Ok(client)) if shared.trusted.trusts(peer) => peer = client.unwrap_or(peer),
                _ => return Closed::ProxyProtocol,
            }
        }
        let Some(tls) = tls else {
            return serves.serve(stream, peer, shared, deadline).await;
        };
        match timeout_at(deadline, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => serves.serve(stream, peer, shared, deadline).await,
            _ => Closed::Tls,
        }
    }
}

/// Requests of HTTP and their answers, until one side has enough.
async fn exchange<S>(
    stream: S,
    peer: IpAddr,
    answers: impl Answers,
    shared: &Arc<Shared>,
    deadline: Instant,
) -> Closed
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(shared.limits.write_timeout));
    let stream = Box::pin(stream);
    // Since when this connection was asked about last, has there been a request?
    let used = AtomicBool::new(false);
    let any = AtomicBool::new(false);
    let answer = service_fn(|request: Request<Incoming>| {
        used.store(true, Ordering::Relaxed);
        any.store(true, Ordering::Relaxed);
        answer(request, peer, answers.clone(), Arc::clone(shared))
    });
    let builder = builder(shared);
    let mut exchange = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let mut first = pin!(sleep_until(deadline));
    let mut leaving = pin!(sleep_until(deadline));
    // Waits from here on, so that no call is lost between a look at the drain and the wait.
    let mut called = pin!(shared.called.notified());
    let (mut greeted, mut reason) = (false, None);
    loop {
        match shared.drain.phase() {
            Phase::Cut => return Closed::Cut,
            Phase::Draining if reason.is_none() => {
                exchange.as_mut().graceful_shutdown();
                reason = Some(Closed::Done);
                // The drain has a time-out of its own.
                leaving.as_mut().reset(now() + shared.drain.timeout + LEAVING);
            }
            Phase::Serving | Phase::LameDuck | Phase::Draining => {}
        }
        tokio::select! {
            biased;
            ended = exchange.as_mut() => return match (ended, reason) {
                (_, Some(reason)) => reason,
                (Ok(()), None) => Closed::Done,
                (Err(error), None) if is_slow(error.as_ref()) => Closed::TooSlow,
                (Err(_), None) => Closed::Failed,
            },
            () = leaving.as_mut(), if reason.is_some() => return reason.unwrap_or(Closed::Shed),
            () = first.as_mut(), if !greeted => {
                greeted = any.load(Ordering::Relaxed);
                if !greeted {
                    return Closed::TooSlow;
                }
            }
            () = called.as_mut() => {
                // Who has asked since the last time goes to the end of the queue.
                called.set(shared.called.notified());
                let is_serving = shared.drain.phase() < Phase::Draining;
                if is_serving && reason.is_none() && !used.swap(false, Ordering::Relaxed) {
                    exchange.as_mut().graceful_shutdown();
                    reason = Some(Closed::Shed);
                    leaving.as_mut().reset(now() + LEAVING);
                }
            }
        }
    }
}

async fn answer(
    mut request: Request<Incoming>,
    peer: IpAddr,
    answers: impl Answers,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Infallible> {
    let version = request.version();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    request.extensions_mut().insert(Peer(peer));
    let mut response = if target > shared.limits.uri_bytes {
        too_long(shared.limits.uri_bytes)
    } else {
        answers.answer(request).await
    };
    if shared.drain.phase() > Phase::Serving && version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn too_long(most: usize) -> Response<Body> {
    let detail = format!("The target of a request has at most {most} bytes.");
    Problem::of(StatusCode::URI_TOO_LONG, detail).to_response().map(Body::from)
}

fn builder(shared: &Shared) -> auto::Builder<TokioExecutor> {
    let limits = &shared.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        // Without a timer the time-out would do nothing.
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes.max(8 << 10))
        // Answers are small: copied behind their heads they cost one plain write.
        .writev(false)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(128)
        .initial_stream_window_size(64 << 10)
        .initial_connection_window_size(256 << 10)
        .max_send_buf_size(64 << 10)
        .keep_alive_interval(limits.idle_timeout / 2)
        .keep_alive_timeout(limits.header_timeout);
    builder
}

/// Whether a connection ended for taking too long.
fn is_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
            || error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn now() -> Instant {
    Instant::now()
}

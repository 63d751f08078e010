//! What the examples share: a client that asks once.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{HOST, HeaderMap};
use hyper::{Request, client};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Status and headers of what a server answers to a GET.
///
/// # Errors
/// If it cannot be reached, or answers otherwise than in HTTP.
pub async fn get(address: SocketAddr, path: &str) -> Result<(u16, HeaderMap), Box<dyn std::error::Error>> {
    get_with(address, path, HeaderMap::new()).await
}

/// The same with these headers.
///
/// # Errors
/// As [`get`].
pub async fn get_with(
    address: SocketAddr,
    path: &str,
    headers: HeaderMap,
) -> Result<(u16, HeaderMap), Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    let (mut connection, driver) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    let mut request = Request::get(path).body(Empty::<Bytes>::new())?;
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, address.to_string().parse()?);
    let (head, _) = connection.send_request(request).await?.into_parts();
    Ok((head.status.as_u16(), head.headers))
}

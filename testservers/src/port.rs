//! Ports of loopback that are free, and who listens on one.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// From here on ports are looked for: the system gives those below 32768 to no connection of its own.
const FIRST: u32 = 10_000;
/// Nodes of a cluster also listen 10000 ports higher, which must lie below 32768 as well.
const COUNT: u32 = 12_700;
const BUS: u16 = 10_000;

/// An address of loopback that nobody listens on.
///
/// Another process may take it before it is used, though each process begins to search at a place of its own.
#[must_use]
pub fn free_address() -> SocketAddr {
    loopback(free_port())
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    loop {
        let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT).unwrap();
        if is_free(port) {
            return port;
        }
    }
}

/// Whether nobody listens on the port, nor on the one where a node of a cluster would talk to others.
pub(crate) fn is_free(port: u16) -> bool {
    // Free on all addresses: some programs listen on nothing less.
    [port, port + BUS].iter().all(|port| TcpListener::bind(("0.0.0.0", *port)).is_ok())
}

/// Whether it is this process that listens on the port, not another that was quicker.
pub(crate) fn listens(pid: u32, port: u16) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let open: Vec<_> = open.flatten().filter_map(|file| fs::read_link(file.path()).ok()).collect();
    ["tcp", "tcp6"].iter().any(|table| {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        let mut sockets = table.lines().skip(1).filter_map(|line| socket_listening_on(line, port));
        sockets.any(|socket| open.iter().any(|file| file.as_os_str() == socket.as_str()))
    })
}

/// The name of the socket in a line of `/proc/net/tcp`, if it listens on this port.
fn socket_listening_on(line: &str, port: u16) -> Option<String> {
    const LISTENS: &str = "0A";
    let fields: Vec<_> = line.split_whitespace().collect();
    let (_, own) = fields.get(1)?.rsplit_once(':')?;
    let matches = u16::from_str_radix(own, 16) == Ok(port) && fields.get(3) == Some(&LISTENS);
    matches.then(|| format!("socket:[{}]", fields.get(9).unwrap_or(&"")))
}

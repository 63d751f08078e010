//! Sockets that systemd has bound: connections wait there while the server restarts.

use std::io;

use listenfd::ListenFd;

use crate::listen::Listener;

/// The listeners that were handed over; none if the process was started otherwise.
pub(super) fn listeners() -> io::Result<Vec<Listener>> {
    let mut handed = ListenFd::from_env();
    let mut listeners = Vec::new();
    for place in 0..handed.len() {
        if let Some(socket) = handed.take_tcp_listener(place)? {
            listeners.push(Listener::from_std(socket)?);
        }
    }
    Ok(listeners)
}

//! What a connection may cost.

use std::time::Duration;

/// Bounds in time and memory, so that no client costs the others their answers.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The most connections at once; beyond, those that are idle longest make way.
    pub(crate) connections: usize,
    /// How long a new connection may take to its first request, TLS and PROXY protocol included.
    pub(crate) header_timeout: Duration,
    /// How long a connection may take from one request to the next.
    pub(crate) idle_timeout: Duration,
    /// How long a client may take none of its answer.
    pub(crate) write_timeout: Duration,
    /// The most bytes of a request's head.
    pub(crate) header_bytes: usize,
    /// The most header lines of a request.
    pub(crate) headers: usize,
    /// The most bytes of a request's target.
    pub(crate) uri_bytes: usize,
    /// The most requests at once on an HTTP/2 connection.
    pub(crate) http2_streams: u32,
}

/// Descriptors that are not for connections: logs, policy, stores.
const RESERVED: u64 = 128;

impl Limits {
    /// Raises the process's limit of open files to the most it may have, and lowers the cap on connections to what that
    /// allows.
    pub(crate) fn fit_open_files(mut self) -> Self {
        // Where the limit cannot be read, the cap stands and accepting waits when files run out.
        let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
        let fitting = usize::try_from(files.saturating_sub(RESERVED).max(1)).unwrap_or(usize::MAX);
        if fitting < self.connections {
            tracing::warn!(
                asked = self.connections,
                connections = fitting,
                open_files = files,
                "the limit of open files lowers the cap on connections; raise it with ulimit -n or LimitNOFILE"
            );
            self.connections = fitting;
        }
        self
    }
}

//! The real server, asked by real clients.

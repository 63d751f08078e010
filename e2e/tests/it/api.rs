//! Every endpoint, over a real connection.

mod access;
mod authorize;
mod check;
mod keys;
mod rate_limit_service;
mod reload;
mod reserve;

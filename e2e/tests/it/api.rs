//! Every endpoint, over a real connection.

mod access;
mod authorize;
mod check;
mod keys;
mod reload;
mod reserve;

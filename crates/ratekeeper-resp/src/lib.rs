//! The Redis protocol as a server speaks it: requests are read, replies are written, in RESP2 and RESP3.
//!
//! Internal to ratekeeper: the interface may change in any release. Nothing here does I/O: [`Parser`] looks at bytes that
//! somebody else has read, [`Reply`] adds bytes that somebody else sends. Whatever a client sends, a parser holds on to no
//! more than its [`Limits`] allow.
//!
//! ```
//! use ratekeeper_resp::{Limits, Parser, Reply, Version};
//!
//! let mut parser = Parser::new(Limits::default());
//! let received = b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\nPING\r\n*1\r\n$4";
//! let (mut at, mut out) = (0, Vec::new());
//! while let Some(request) = parser.parse(&received[at..])? {
//!     match request.get(1) {
//!         Some(said) => Reply::new(&mut out, Version::Resp2).bulk(said),
//!         None => Reply::new(&mut out, Version::Resp2).simple("PONG"),
//!     };
//!     at += request.length();
//! }
//! assert_eq!(out, b"$5\r\nhello\r\n+PONG\r\n");
//! assert_eq!(&received[at..], b"*1\r\n$4", "what is not whole stays");
//! # Ok::<(), ratekeeper_resp::ProtocolError>(())
//! ```

mod error;
mod inline;
mod limits;
mod number;
mod parser;
mod reply;
mod request;

pub use error::ProtocolError;
pub use limits::Limits;
pub use parser::Parser;
pub use reply::{Reply, Version};
pub use request::{Request, write_request};

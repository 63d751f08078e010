//! Access logs, read line by line: Apache and nginx **combined** and **common** logs and **JSON lines**,
//! plain or gzip, from a file or standard input.
//!
//! Internal to ratekeeper: the interface may change in any release. This crate knows nothing of policies; it
//! turns bytes into [`Record`]s and says precisely what is wrong with a line that is none.
//!
//! * [`LogReader`] splits input of any size into numbered physical lines in bounded memory.
//! * [`parse_line`] makes a [`Record`] of one line, without allocating in the usual case, or a [`LineError`].
//!
//! Texts of a record are what the client sent, with the escapes of the log undone: escape them before showing
//! them. Texts inside errors are [`Excerpt`]s, escaped and shortened.
//!
//! ```
//! use ratekeeper_accesslog::{Format, LogReader};
//!
//! let log = b"127.0.0.1 - ann [17/May/2015:10:05:03 +0000] \"GET /a?b=c HTTP/1.1\" 200 12\nnoise\n";
//! let mut reader = LogReader::new(&log[..])?;
//! let mut bad = Vec::new();
//! while let Some(line) = reader.next_line()? {
//!     match line.parse(Format::Auto) {
//!         Ok(record) => {
//!             assert_eq!(record.path.as_deref(), Some("/a"));
//!             assert_eq!(record.user.as_deref(), Some("ann"));
//!         }
//!         Err(error) if error.is_blank() => {}
//!         Err(error) => bad.push((line.number, error)),
//!     }
//! }
//! assert_eq!(bad[0].0, 2);
//! # Ok::<(), ratekeeper_accesslog::ReadError>(())
//! ```

mod client;
mod combined;
mod error;
mod excerpt;
mod format;
mod gunzip;
mod json;
mod line;
mod read_error;
mod reader;
mod record;
mod request;
mod source;
mod target;
mod text;
mod time;

pub use error::LineError;
pub use excerpt::Excerpt;
pub use format::{Format, parse_line};
pub use gunzip::GzipFault;
pub use line::{Line, LineContent};
pub use read_error::ReadError;
pub use reader::{LogReader, MAX_LINE_BYTES};
pub use record::Record;
pub use request::RequestFault;
pub use time::TimeFault;

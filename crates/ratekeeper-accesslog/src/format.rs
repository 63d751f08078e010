//! Which format a line is in, and the one entry to all parsers.

use crate::{LineError, Record, combined, json};

/// How lines are to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Each line for itself: one that begins with `{` is JSON, every other is combined or common.
    #[default]
    Auto,
    /// Apache's and nginx's combined log, and the common log: the same without referer and user agent.
    /// A virtual host before the client (`vhost_combined`) is understood too, and what syslog puts there is skipped.
    Combined,
    /// One JSON object a line, with the field names that common servers use.
    Json,
}

/// Parses one line, given without its line end; white space around it is ignored.
///
/// Never panics and needs time and memory in proportion to the line. In the usual case the record borrows all
/// its texts from the line. Bytes that are not UTF-8 become U+FFFD in the field that holds them.
///
/// # Errors
/// [`LineError`], saying what is wrong and what would be right. A blank line is [`LineError::Empty`], which is
/// neither a request nor a mistake: see [`LineError::is_blank`].
///
/// ```
/// use ratekeeper_accesslog::{Format, parse_line};
///
/// let record = parse_line(br#"{"ts": 1646861401.524102, "remote_ip": "::1", "uri": "/?q"}"#, Format::Auto)?;
/// assert_eq!(record.time.as_micros(), 1_646_861_401_524_102);
/// assert_eq!(record.path.as_deref(), Some("/"));
///
/// let error = parse_line(b"127.0.0.1 - - [31/Feb/2015:00:00:00 +0000] \"GET /\" 200 1", Format::Auto);
/// assert!(error.unwrap_err().to_string().contains("day"));
/// # Ok::<(), ratekeeper_accesslog::LineError>(())
/// ```
pub fn parse_line(line: &[u8], format: Format) -> Result<Record<'_>, LineError> {
    let line = line.trim_ascii();
    match (format, line.first()) {
        (_, None) => Err(LineError::Empty),
        (Format::Json, _) | (Format::Auto, Some(b'{')) => json::parse(line),
        (Format::Combined | Format::Auto, Some(_)) => combined::parse(line),
    }
}

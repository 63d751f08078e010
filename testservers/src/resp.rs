//! The protocol of Redis, as much as it takes to look after a server.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take to answer: longer than it does, shorter than a test may.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Text(String),
    Error(String),
    Nil,
    List(Vec<Reply>),
}

/// As `redis-cli` prints it to a file: lists an item a line, nothing for what is not there.
impl fmt::Display for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Error(text) => formatter.write_str(text),
            Self::Nil => Ok(()),
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(formatter, "{}{item}", if index == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
        }
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn ask(&mut self, words: &[&str]) -> io::Result<Reply> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(request.as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = || rest.parse::<i64>().map_err(|_| io::Error::other(format!("not a reply: {line:?}")));
        match kind {
            "+" | ":" => Ok(Reply::Text(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            "$" => usize::try_from(length()?).map_or(Ok(Reply::Nil), |length| self.text(length)),
            "*" => usize::try_from(length()?).map_or(Ok(Reply::Nil), |length| {
                (0..length).map(|_| self.reply()).collect::<io::Result<_>>().map(Reply::List)
            }),
            _ => Err(io::Error::other(format!("not a reply: {line:?}"))),
        }
    }

    fn text(&mut self, length: usize) -> io::Result<Reply> {
        let mut bytes = vec![0; length + 2];
        self.0.read_exact(&mut bytes)?;
        Ok(Reply::Text(String::from_utf8_lossy(&bytes[..length]).into_owned()))
    }
}

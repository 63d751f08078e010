//! The Redis protocol, version 2, from the client's side.

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Text(Vec<u8>),
    Error(String),
    Integer(i64),
    Nil,
    Array(Vec<Reply>),
}

impl Reply {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Text(bytes) if bytes == text.as_bytes())
    }
}

/// The deepest array in an array, and the most items of one.
const DEEPEST: usize = 8;
const MOST: usize = 1024;

/// A command as it is sent.
pub(super) fn command(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The reply at the front, and how long it is; `None` as long as it is not all there.
pub(super) fn reply(bytes: &[u8]) -> Result<Option<(Reply, usize)>, &'static str> {
    let mut rest = bytes;
    let read = read(&mut rest, 0)?;
    Ok(read.map(|reply| (reply, bytes.len() - rest.len())))
}

fn read(rest: &mut &[u8], depth: usize) -> Result<Option<Reply>, &'static str> {
    let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
        return Ok(None);
    };
    let (line, after) = (&rest[..end], &rest[end + 2..]);
    let Some((kind, line)) = line.split_first() else {
        return Err("it is not of the Redis protocol");
    };
    let text = || String::from_utf8_lossy(line).into_owned();
    let number = || text().parse::<i64>().map_err(|_| "a number is none");
    *rest = after;
    let reply = match kind {
        b'+' => Reply::Text(line.to_vec()),
        b'-' => Reply::Error(text()),
        b':' => Reply::Integer(number()?),
        b'$' => match usize::try_from(number()?) {
            Err(_) => Reply::Nil,
            Ok(length) => {
                let Some((content, after)) = length.checked_add(2).and_then(|all| rest.split_at_checked(all))
                else {
                    return Ok(None);
                };
                *rest = after;
                Reply::Text(content[..length].to_vec())
            }
        },
        b'*' => match usize::try_from(number()?) {
            Err(_) => Reply::Nil,
            Ok(length) if length > MOST || depth == DEEPEST => return Err("an array is too large"),
            Ok(length) => {
                let mut items = Vec::with_capacity(length);
                for _ in 0..length {
                    let Some(item) = read(rest, depth + 1)? else {
                        return Ok(None);
                    };
                    items.push(item);
                }
                Reply::Array(items)
            }
        },
        _ => return Err("it is not of the Redis protocol"),
    };
    Ok(Some(reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_as_soon_as_they_are_whole() {
        let bytes = b"*4\r\n:0\r\n$7\r\nallowed\r\n$-1\r\n+OK\r\n-ERR no\r\n";
        let first = Reply::Array(vec![
            Reply::Integer(0),
            Reply::Text(b"allowed".to_vec()),
            Reply::Nil,
            Reply::Text(b"OK".to_vec()),
        ]);
        let length = bytes.len() - b"-ERR no\r\n".len();
        for part in 0..length {
            assert_eq!(reply(&bytes[..part]), Ok(None), "{part}");
        }
        assert_eq!(reply(bytes), Ok(Some((first, length))));
        assert_eq!(reply(&bytes[length..]), Ok(Some((Reply::Error("ERR no".to_owned()), 9))));
    }

    #[test]
    fn hostile_replies_are_refused() {
        let deep = "*1\r\n".repeat(100);
        for bytes in [
            "HTTP/1.1 400\r\n",
            "\r\n",
            ":x\r\n",
            "*9999999\r\n",
            &deep,
            "$9223372036854775807\r\n",
        ] {
            assert!(!matches!(reply(bytes.as_bytes()), Ok(Some(_))), "{bytes}");
        }
        assert_eq!(command(&[b"PING".to_vec(), b"a".to_vec()]), b"*2\r\n$4\r\nPING\r\n$1\r\na\r\n");
    }
}

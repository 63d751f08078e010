//! The head of a request, in whichever types a framework holds it.

use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

/// The lines of one header, in their order.
pub type Lines<'a> = SmallVec<[&'a [u8]; 4]>;

/// The headers of a request.
pub trait Headers {
    /// The values under a name, which is in lower case.
    fn lines(&self, name: &str) -> Lines<'_>;

    /// Hands over every line of every header: the name in lower case, and the value.
    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a [u8]));
}

/// What a request says of itself before its body.
pub trait Head: Headers {
    /// The method.
    fn method(&self) -> &str;

    /// The path as it was sent, without the query; of an absolute URI its path.
    fn path(&self) -> &str;

    /// The query as it was sent, without the question mark.
    fn query(&self) -> Option<&str>;

    /// The authority that the target names: HTTP/2's `:authority`, or that of an absolute URI.
    fn authority(&self) -> Option<&str>;

    /// The scheme that the target names.
    fn scheme(&self) -> Option<&str>;
}

impl Headers for HeaderMap {
    fn lines(&self, name: &str) -> Lines<'_> {
        let all = match name {
            // Every request is asked for this one: its name need not be read again.
            "host" => self.get_all(http::header::HOST),
            _ => self.get_all(name),
        };
        all.iter().map(HeaderValue::as_bytes).collect()
    }

    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.iter().for_each(|(name, value)| take(name.as_str(), value.as_bytes()));
    }
}

impl Headers for Parts {
    fn lines(&self, name: &str) -> Lines<'_> {
        self.headers.lines(name)
    }

    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.headers.each(take);
    }
}

impl Head for Parts {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    fn authority(&self) -> Option<&str> {
        self.uri.authority().map(http::uri::Authority::as_str)
    }

    fn scheme(&self) -> Option<&str> {
        self.uri.scheme_str()
    }
}

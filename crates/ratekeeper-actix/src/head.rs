//! The head of a request, as actix-web holds it.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use actix_web::http::uri::Authority;
use ratekeeper_http::{Head, Headers, Lines};

/// Lets actix-web's types, which are those of an older `http`, be read where they are.
#[derive(Clone, Copy)]
pub(crate) struct ActixHead<'r>(pub(crate) &'r HttpRequest);

impl Headers for ActixHead<'_> {
    fn lines(&self, name: &str) -> Lines<'_> {
        self.0.headers().get_all(name).map(HeaderValue::as_bytes).collect()
    }

    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.0.headers().iter().for_each(|(name, value)| take(name.as_str(), value.as_bytes()));
    }
}

impl Head for ActixHead<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path(&self) -> &str {
        self.0.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.0.uri().query()
    }

    fn authority(&self) -> Option<&str> {
        self.0.uri().authority().map(Authority::as_str)
    }

    fn scheme(&self) -> Option<&str> {
        self.0.uri().scheme_str()
    }
}

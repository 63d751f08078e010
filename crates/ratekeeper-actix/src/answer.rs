//! What clients are told, in the types of actix-web.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use ratekeeper_http::door::{Stopped, Told, is_call};

use crate::Body;
use crate::config::Config;
use crate::head::ActixHead;

impl Config {
    /// The answer to a request that does not pass.
    pub(crate) fn answer<B>(&self, stopped: Stopped, request: ServiceRequest) -> ServiceResponse<Body<B>> {
        let mut response = match (&self.refuse, stopped.refused()) {
            (Some(refuse), Some(refused)) => {
                refuse(refused, HttpResponseBuilder::new(status(refused.status())))
            }
            _ => default_answer(&stopped, is_call(&ActixHead(request.request()))),
        };
        add(stopped.into_told(), response.headers_mut());
        request.into_response(response.map_body(|_, body| Body::refusal(body)))
    }
}

fn default_answer(stopped: &Stopped, is_call: bool) -> HttpResponse {
    let (head, body) = stopped.answer(is_call).into_parts();
    let mut response = HttpResponse::with_body(status(head.status), body).map_into_boxed_body();
    for (name, value) in &head.headers {
        if let Some((name, value)) = field(name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Adds what a response tells of limits.
pub(crate) fn add(told: Told, headers: &mut HeaderMap) {
    for (name, value, appends) in told.into_fields() {
        let Some((name, value)) = field(&name, &value) else {
            continue;
        };
        if appends {
            headers.append(name, value);
        } else if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
}

/// Both versions of `http` have the same names and values; no field is ever lost.
fn field(name: &http::HeaderName, value: &http::HeaderValue) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

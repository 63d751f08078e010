//! `GET /openapi.json`: the description of all this.

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

const DESCRIPTION: &str = include_str!("openapi.json");

pub(super) async fn answer() -> Response {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

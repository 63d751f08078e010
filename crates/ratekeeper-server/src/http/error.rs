//! Answers to requests that cannot be answered.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use ratekeeper_engine::EngineError;
use ratekeeper_http::Problem;

/// A problem on its way to the client.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) Box<Problem>);

impl ApiError {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Problem::of(status, detail)))
    }

    /// What went wrong.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let status = match &error {
            EngineError::ForeignHandle | EngineError::RuleUnknown { .. } => StatusCode::NOT_FOUND,
            EngineError::Expired { .. } | EngineError::StoreUnknown { .. } => StatusCode::GONE,
            EngineError::KeyPartMissing { .. } => StatusCode::BAD_REQUEST,
            EngineError::Forgetful { .. } => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.0.to_response();
        if self.0.status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Bearer realm=\"ratekeeper\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, realm);
        }
        response.map(Body::from)
    }
}

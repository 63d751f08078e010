//! `POST /json`: the rate limit service for those who speak no gRPC, as Envoy's own service has it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use ratekeeper_envoy::{Code, RateLimitRequest};
use tonic::Status;

use crate::app::App;
use crate::http::{ApiError, body, json, may_check};

/// A request and an answer of the service as JSON, the decision as the status: 200 or 429.
pub(crate) async fn answer(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    may_check(&app, &head.headers)?;
    // Whatever the client says that it is: curl says that it is a form.
    let body = body::read_any(&app, &head.headers, body).await?;
    let request: RateLimitRequest = body::parse(&body)?;
    let answer = super::decide(&app, &request).await.map_err(|status| refused(&status))?;
    let mut response = json(&answer)?;
    if answer.overall_code() == Code::OverLimit {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    }
    Ok(response)
}

fn refused(status: &Status) -> ApiError {
    let code = match status.code() {
        tonic::Code::InvalidArgument => StatusCode::BAD_REQUEST,
        tonic::Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    ApiError::new(code, status.message().to_owned())
}

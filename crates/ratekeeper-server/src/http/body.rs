//! The JSON of a request, within bounds of size and time.

use axum::BoxError;
use axum::body::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use tokio::time::timeout;

use super::error::ApiError;
use super::json::Object;
use crate::app::App;

/// Reads a whole body that says it is JSON.
pub(super) async fn read<B>(app: &App, headers: &HeaderMap, body: B) -> Result<Bytes, ApiError>
where
    B: Body<Error: Into<BoxError>>,
{
    if !is_json(headers) {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON: send `Content-Type: application/json`.",
        ));
    }
    read_any(app, headers, body).await
}

/// Reads a whole body, whatever it says it is.
pub(crate) async fn read_any<B>(app: &App, headers: &HeaderMap, body: B) -> Result<Bytes, ApiError>
where
    B: Body<Error: Into<BoxError>>,
{
    let most = app.settings.body_bytes;
    let too_large =
        || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body may have {most} bytes at most."));
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > most)) {
        return Err(too_large());
    }
    match timeout(app.settings.body_timeout, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiError::bad_request("The body ended before it was complete.")),
        Err(_) => Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive.")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/json")
}

/// The value that a body is. An error names the field, and what is wrong with it.
pub(crate) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, ApiError> {
    let text =
        str::from_utf8(body).map_err(|_| ApiError::bad_request("The body is no UTF-8, as JSON is."))?;
    serde_json::from_str(text).map(|Object(value)| value).map_err(|_| {
        // Once more, now with the path of the field: errors may be slow.
        let mut json = serde_json::Deserializer::from_str(text);
        let parsed = serde_path_to_error::deserialize::<_, Object<T>>(&mut json);
        let detail = match parsed {
            Ok(_) => match json.end() {
                Err(error) => error.to_string(),
                Ok(()) => "it is no valid JSON".to_owned(),
            },
            Err(error) => match error.path().to_string().as_str() {
                "." => error.inner().to_string(),
                path => format!("{path}: {}", error.inner()),
            },
        };
        ApiError::bad_request(format!("The body is not understood: {detail}."))
    })
}

//! What the server answers over HTTP.

mod answer;
mod auth;
mod authorize;
pub(crate) mod body;
mod check;
mod error;
mod health;
mod json;
mod keys;
mod openapi;
mod policy;
mod question;
mod reserve;
mod text;
mod top;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use http::{Method, StatusCode};
use hyper::body::Incoming;
use tower_service::Service as _;

pub(crate) use self::auth::may_check;
pub(crate) use self::check::json;
pub(crate) use self::error::ApiError;
pub(crate) use self::keys::operate_on;
use crate::app::App;
use crate::envoy::{self, Grpc, is_grpc};
use crate::listen::Answers;
use crate::traces::within_span;

/// Everything the server answers.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    app: Arc<App>,
    grpc: Grpc,
    router: Router,
}

impl Front {
    /// # Errors
    /// If the descriptors of the gRPC services are none: a mistake of ours.
    pub(crate) fn new(app: Arc<App>) -> Result<Self, tonic_reflection::server::Error> {
        Ok(Self { grpc: Grpc::new(Arc::clone(&app))?, router: router(Arc::clone(&app)), app })
    }
}

impl Answers for Front {
    async fn answer(&self, request: http::Request<Incoming>) -> Response {
        // What is asked most takes the shortest way.
        let is_check = request.method() == Method::POST && request.uri().path() == CHECK;
        if is_check && self.app.traces.is_none() {
            return check::respond(&self.app, request).await;
        }
        if is_grpc(&request) {
            return Box::pin(self.grpc.answer(request)).await;
        }
        // Boxed, so that the short way is not moved about with room for the long one.
        let Ok(response) = Box::pin(self.router.clone().call(request)).await;
        response
    }
}

const CHECK: &str = "/v1/check";

fn router(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/v1/authorize", get(authorize::answer).post(authorize::answer))
        .route("/v1/reserve", post(reserve::reserve))
        .route("/v1/commit", post(reserve::commit))
        .route("/v1/release", post(reserve::release))
        .route("/v1/keys/{rule}", get(keys::inspect).delete(keys::reset).post(keys::change))
        .route("/v1/policy", get(policy::answer))
        .route("/v1/top", get(top::answer))
        .route("/json", post(envoy::answer_json))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::answer))
        .layer(from_fn_with_state(Arc::clone(&app), count))
        // The hot path counts by itself.
        .route(
            CHECK,
            post(async |State(app): State<Arc<App>>, request: Request| check::respond(&app, request).await),
        )
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method);
    let traced = match app.traces {
        Some(_) => router.layer(from_fn_with_state(Arc::clone(&app), within_span)),
        None => router,
    };
    traced.with_state(app)
}

/// Counts answers by endpoint, which is bounded, and status.
async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let endpoint = request.extensions().get::<axum::extract::MatchedPath>().cloned();
    let response = next.run(request).await;
    app.metrics
        .answered(endpoint.as_ref().map_or("other", |path| path.as_str()), response.status());
    response
}

async fn nowhere(State(app): State<Arc<App>>) -> ApiError {
    app.metrics.answered("other", StatusCode::NOT_FOUND);
    ApiError::new(StatusCode::NOT_FOUND, "There is nothing here; /openapi.json describes what there is.")
}

async fn wrong_method(State(app): State<Arc<App>>) -> ApiError {
    app.metrics.answered("other", StatusCode::METHOD_NOT_ALLOWED);
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This method is not for this path; the Allow header names those that are.",
    )
}

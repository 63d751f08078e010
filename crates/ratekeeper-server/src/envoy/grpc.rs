//! gRPC, wherever HTTP/2 is spoken: the rate limit service, health and reflection.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{Request, Version};
use hyper::body::Incoming;
use ratekeeper_envoy::{RateLimitRequest, RateLimitResponse, RateLimitService, RateLimitServiceServer};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Response, Status, async_trait};
use tonic_health::pb::health_server::HealthServer;
use tower_service::Service as _;

use super::health::Readiness;
use super::timely::Timely;
use crate::app::App;
use crate::http::may_check;
use crate::traces::within_call;

/// The one method that is asked all the time.
const SHOULD_RATE_LIMIT: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Answers calls of gRPC.
#[derive(Clone, Debug)]
pub(crate) struct Grpc {
    app: Arc<App>,
    limits: RateLimitServiceServer<Decides>,
    others: Routes,
}

/// Whether a request is a call of gRPC.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    request.version() == Version::HTTP_2 && kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// How a call ended, if that is known before its answer's body is: an error is, and what is not known is well.
pub(crate) fn code_of<B>(response: &http::Response<B>) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

impl Grpc {
    /// # Errors
    /// If the descriptors of the services are none: a mistake of ours.
    pub(crate) fn new(app: Arc<App>) -> Result<Self, tonic_reflection::server::Error> {
        let most = app.settings.body_bytes;
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(ratekeeper_envoy::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let health = HealthServer::new(Readiness(Arc::clone(&app))).max_decoding_message_size(most);
        let others = Routes::new(health)
            .add_service(reflection().build_v1()?.max_decoding_message_size(most))
            .add_service(reflection().build_v1alpha()?.max_decoding_message_size(most));
        let limits = RateLimitServiceServer::new(Decides(Arc::clone(&app))).max_decoding_message_size(most);
        Ok(Self { app, limits, others: others.prepare() })
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> http::Response<axum::body::Body> {
        let response = match &self.app.traces {
            None => self.call(request).await,
            Some(traces) => {
                let headers = request.headers().clone();
                let method = (request.uri().path() == SHOULD_RATE_LIMIT).then_some(&SHOULD_RATE_LIMIT[1..]);
                within_call(traces, &headers, method, self.call(request)).await
            }
        };
        self.app.metrics.grpc_answered(code_of(&response));
        response.map(axum::body::Body::new)
    }

    async fn call(&self, request: Request<Incoming>) -> http::Response<Body> {
        let within = self.app.settings.body_timeout;
        if request.uri().path() != SHOULD_RATE_LIMIT {
            let Ok(response) = self.others.clone().call(request.map(|body| Timely::new(body, within))).await;
            return response;
        }
        if let Err(error) = may_check(&self.app, request.headers()) {
            return Status::unauthenticated(error.detail()).into_http();
        }
        let Ok(response) = self.limits.clone().call(request.map(|body| Timely::new(body, within))).await;
        response
    }
}

/// `ShouldRateLimit`.
#[derive(Debug)]
struct Decides(Arc<App>);

#[async_trait]
impl RateLimitService for Decides {
    async fn should_rate_limit(
        &self,
        request: tonic::Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        super::decide(&self.0, request.get_ref()).await.map(Response::new)
    }
}

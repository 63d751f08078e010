//! `grpc.health.v1.Health`: whether the server takes requests.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::{once, unfold};
use tonic::{Request, Response, Status, async_trait};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::app::App;

/// What may be asked for: all of them are the server as a whole. The second is the name that Envoy's own service has.
const KNOWN: [&str; 3] = ["", "ratelimit", ratekeeper_envoy::SERVICE];

/// Tells what `/readyz` tells.
#[derive(Debug)]
pub(super) struct Readiness(pub(super) Arc<App>);

type Said = Result<HealthCheckResponse, Status>;

#[async_trait]
impl Health for Readiness {
    type WatchStream = Pin<Box<dyn Stream<Item = Said> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !KNOWN.contains(&request.get_ref().service.as_str()) {
            return Err(Status::not_found("There is no such service here; ask without a name."));
        }
        Ok(Response::new(says(serving(self.0.is_ready()))))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !KNOWN.contains(&request.get_ref().service.as_str()) {
            let unknown = once(std::future::ready(Ok(says(ServingStatus::ServiceUnknown))));
            return Ok(Response::new(Box::pin(unknown)));
        }
        let watched = unfold(Some((self.0.watch_ready(), false)), async |state| {
            let (mut ready, told) = state?;
            if told {
                ready.changed().await.ok()?;
            }
            let is_ready = *ready.borrow_and_update();
            // The end of the server does not wait for those who watch it.
            let next = is_ready.then_some((ready, true));
            Some((Ok(says(serving(is_ready))), next))
        });
        Ok(Response::new(Box::pin(watched)))
    }
}

fn says(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

fn serving(ready: bool) -> ServingStatus {
    if ready {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

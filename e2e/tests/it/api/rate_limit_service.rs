//! Envoy's rate limit service.

mod answers;
mod around;
mod counting;

use std::net::SocketAddr;

use ratekeeper_envoy::{
    Code, DescriptorStatus, Entry, RateLimitDescriptor, RateLimitOverride, RateLimitRequest,
    RateLimitResponse, RateLimitServiceClient, RateLimitUnit,
};
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::server::{Home, Server};

/// A client of the service.
struct Asking(RateLimitServiceClient<Channel>);

async fn channel(address: SocketAddr) -> Channel {
    Endpoint::try_from(format!("http://{address}")).unwrap().connect().await.unwrap()
}

impl Asking {
    async fn at(address: SocketAddr) -> Self {
        Self(RateLimitServiceClient::new(channel(address).await))
    }

    async fn ask(&mut self, request: RateLimitRequest) -> Result<RateLimitResponse, Status> {
        self.0.should_rate_limit(request).await.map(tonic::Response::into_inner)
    }

    /// Asks about descriptors of the domain `web`.
    async fn web(&mut self, descriptors: impl IntoIterator<Item = RateLimitDescriptor>) -> RateLimitResponse {
        self.ask(web(descriptors)).await.unwrap()
    }

    /// How much is left of the one limit of a descriptor.
    async fn left(&mut self, descriptor: RateLimitDescriptor) -> u32 {
        self.web([hits(descriptor, 0)]).await.statuses[0].limit_remaining
    }
}

async fn started(policy: &str, settings: &[&str]) -> (Home, Server, Asking) {
    let home = Home::new(policy);
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    let server = home.start(&arguments).await;
    let asking = Asking::at(server.address).await;
    (home, server, asking)
}

fn web(descriptors: impl IntoIterator<Item = RateLimitDescriptor>) -> RateLimitRequest {
    RateLimitRequest {
        domain: "web".to_owned(),
        descriptors: descriptors.into_iter().collect(),
        hits_addend: 0,
    }
}

fn descriptor(entries: &[(&str, &str)]) -> RateLimitDescriptor {
    let entry = |(key, value): &(&str, &str)| Entry { key: (*key).to_owned(), value: (*value).to_owned() };
    RateLimitDescriptor { entries: entries.iter().map(entry).collect(), ..Default::default() }
}

/// The descriptor `user=NAME`.
fn user(name: &str) -> RateLimitDescriptor {
    descriptor(&[("user", name)])
}

fn hits(descriptor: RateLimitDescriptor, hits: u64) -> RateLimitDescriptor {
    RateLimitDescriptor { hits_addend: Some(hits.into()), ..descriptor }
}

fn limited(
    descriptor: RateLimitDescriptor,
    requests_per_unit: u32,
    unit: RateLimitUnit,
) -> RateLimitDescriptor {
    let limit = RateLimitOverride { requests_per_unit, unit: unit.into() };
    RateLimitDescriptor { limit: Some(limit), ..descriptor }
}

/// The codes of all descriptors after that of the request.
fn codes(response: &RateLimitResponse) -> (Code, Vec<Code>) {
    (response.overall_code(), response.statuses.iter().map(DescriptorStatus::code).collect())
}

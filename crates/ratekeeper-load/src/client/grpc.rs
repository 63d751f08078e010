//! Envoy's `ShouldRateLimit`, over one connection that carries several calls.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use ratekeeper_envoy::{
    Code, Entry, RateLimitDescriptor, RateLimitRequest, RateLimitServiceClient, UInt64Value,
};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status};
use tower::service_fn;

use super::{Answer, Plug, Problem, Words};
use crate::draw::Question;

/// A caller of the service.
#[derive(Clone, Debug)]
pub(crate) struct GrpcClient {
    plug: Arc<Plug>,
    words: Arc<Words>,
    /// Heals itself when its connection breaks.
    service: Option<RateLimitServiceClient<Channel>>,
}

impl GrpcClient {
    pub(super) fn new(plug: Arc<Plug>, words: Arc<Words>) -> Self {
        Self { plug, words, service: None }
    }

    pub(super) async fn connect(&mut self) -> Result<(), Problem> {
        if self.service.is_none() {
            let scheme = if self.plug.target.tls { "https" } else { "http" };
            let endpoint = Endpoint::from_shared(format!("{scheme}://{}", self.plug.target.authority()));
            let endpoint = endpoint.map_err(Problem::connect)?.tcp_nodelay(true);
            let plug = Arc::clone(&self.plug);
            let connector = service_fn(move |_: Uri| {
                let plug = Arc::clone(&plug);
                async move {
                    let wire = plug.connect().await;
                    wire.map(TokioIo::new).map_err(|problem| std::io::Error::other(problem.detail))
                }
            });
            let channel = endpoint.connect_with_connector(connector).await.map_err(|error| {
                // Its own words are "transport error" only.
                Problem::connect(innermost(&error))
            })?;
            self.service = Some(RateLimitServiceClient::new(channel));
        }
        Ok(())
    }

    pub(super) async fn ask(&mut self, question: Question) -> Result<Answer, Problem> {
        self.call(question.key, question.cost).await
    }

    pub(super) async fn peek(&mut self) -> Result<Answer, Problem> {
        self.call(0, 0).await
    }

    async fn call(&mut self, key: u64, hits: u64) -> Result<Answer, Problem> {
        self.connect().await?;
        let (domain, entries) = self.words.descriptor(key);
        let entries = entries.into_iter().map(|(key, value)| Entry { key, value }).collect();
        let hits_addend = Some(UInt64Value { value: hits });
        let descriptor = RateLimitDescriptor { entries, hits_addend, ..RateLimitDescriptor::default() };
        let mut request =
            Request::new(RateLimitRequest { domain, descriptors: vec![descriptor], hits_addend: 0 });
        if let Some(token) = &self.plug.token {
            let bearer = MetadataValue::try_from(format!("Bearer {}", token.secret()));
            request.metadata_mut().insert("authorization", bearer.map_err(Problem::strange)?);
        }
        let Some(service) = &mut self.service else {
            return Err(Problem::broken("there is no connection"));
        };
        let response = service.should_rate_limit(request).await.map_err(|status| refused(&status))?;
        let code = response.into_inner().overall_code();
        Ok(Answer { allowed: code == Code::Ok, ..Answer::default() })
    }
}

fn refused(status: &Status) -> Problem {
    let code = format!("{:?}", status.code()).to_lowercase();
    Problem::new(format!("grpc_{code}"), format!("it answers {:?}: {}", status.code(), status.message()))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

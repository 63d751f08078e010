//! Traces of OpenTelemetry: one span for each request to the server, part of its client's trace.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    FutureExt as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use ratekeeper_engine::Outcome;

use crate::app::App;
use crate::refusal_log::{reason, refusing_rules};

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where spans go. They are sent by a thread of their own, and dropped when it does not keep up.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Traces {
    /// Spans to a collector of OTLP over HTTP. Of the traces that begin here one in `one_in` is recorded, none for 0; those
    /// that a client has begun are as the client says.
    ///
    /// # Errors
    /// If the endpoint is no URL.
    pub(crate) fn new(endpoint: &str, one_in: u32) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::default())
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE)
            .build()?;
        // Samplers count in shares.
        #[allow(clippy::float_arithmetic)]
        let share = if one_in == 0 { 0.0 } else { 1.0 / f64::from(one_in) };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
            .with_resource(resource())
            .build();
        let tracer = provider.tracer("ratekeeper");
        Ok(Self { provider, tracer, propagator: TraceContextPropagator::new() })
    }

    /// Begins a span of this server, as part of the trace that the headers of a request name.
    fn begin(&self, headers: &HeaderMap, name: String, attributes: Vec<KeyValue>) -> Context {
        let parent = self.propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let span = builder.start_with_context(&self.tracer, &parent);
        parent.with_span(span)
    }

    /// Sends what is left. Waits for the collector.
    pub(crate) fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last spans are lost");
        }
    }
}

/// Who sends the spans; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say it better.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let found = Resource::builder().build();
    let named = found
        .get(&"service.name".into())
        .is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let builder = Resource::builder().with_attribute(version);
    if named {
        builder.build()
    } else {
        builder.with_service_name("ratekeeper").build()
    }
}

/// Answers within a span.
pub(crate) async fn within_span(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(traces) = &app.traces else {
        return next.run(request).await;
    };
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().as_str().to_owned();
    let name = match &route {
        Some(route) => format!("{method} {route}"),
        None => method.clone(),
    };
    let mut attributes = vec![KeyValue::new("http.request.method", method)];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
    let context = traces.begin(request.headers(), name, attributes);
    let response = next.run(request).with_context(context.clone()).await;
    let status = response.status();
    context
        .span()
        .set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        context.span().set_status(Status::error(""));
    }
    response
}

/// Answers a call of gRPC within a span; `None` for the method where it is none of ours.
pub(crate) async fn within_call<B>(
    traces: &Traces,
    headers: &HeaderMap,
    method: Option<&'static str>,
    answer: impl Future<Output = http::Response<B>>,
) -> http::Response<B> {
    let mut attributes = vec![KeyValue::new("rpc.system.name", "grpc")];
    attributes.extend(method.map(|method| KeyValue::new("rpc.method", method)));
    let context = traces.begin(headers, method.unwrap_or("grpc").to_owned(), attributes);
    let response = answer.with_context(context.clone()).await;
    let code = crate::envoy::code_of(&response);
    context
        .span()
        .set_attribute(KeyValue::new("rpc.response.status_code", i64::from(i32::from(code))));
    if matches!(code, tonic::Code::Internal | tonic::Code::Unavailable | tonic::Code::Unknown) {
        context.span().set_status(Status::error(""));
    }
    response
}

/// Notes a decision in the span that it was made in. Subjects stay out of it.
pub(crate) fn note(outcome: &Outcome) {
    Context::map_current(|context| {
        let span = context.span();
        if !span.is_recording() {
            return;
        }
        let decision = match reason(outcome) {
            Some(_) => "deny",
            None => "allow",
        };
        let mut attributes = vec![
            KeyValue::new("ratekeeper.decision", decision),
            KeyValue::new("ratekeeper.degraded", outcome.degraded()),
            KeyValue::new("ratekeeper.policy_version", outcome.policy().version().to_owned()),
        ];
        if let Some(reason) = reason(outcome) {
            let refusal = [
                KeyValue::new("ratekeeper.denial", reason),
                KeyValue::new("ratekeeper.rules", refusing_rules(outcome)),
            ];
            // Of several decisions in one request, the refusals are what is looked for.
            span.set_attributes(refusal.clone());
            attributes.extend(refusal);
        }
        span.add_event("decision", attributes);
    });
}

/// Sends what the thread of the exporter has to send.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Default for Client {
    fn default() -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        Self(config.build().new_agent())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let answer = self.0.run(http::Request::from_parts(head, body.to_vec()))?;
        let (head, mut body) = answer.into_parts();
        Ok(http::Response::from_parts(head, body.read_to_vec()?.into()))
    }
}

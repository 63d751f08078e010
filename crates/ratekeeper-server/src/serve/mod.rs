//! The life of a server process: from its settings to its end.

mod activation;
mod banner;
mod listeners;
mod notify;
mod reload;
mod state_file;
mod telemetry;

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderValue;
use ratekeeper_core::Timestamp;
use ratekeeper_engine::{Engine, Secret};
use ratekeeper_policy::{Policy, StoreConfig};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) use self::banner::Greeting;
use self::listeners::{Listeners, addresses};
pub(crate) use self::reload::PolicySource;
use self::reload::Reloader;
use crate::app::{App, AppSettings, Refusal, Tokens};
use crate::envoy::EnvoyAnswers;
use crate::failure::Failure;
use crate::http::Front;
use crate::listen::{self, Accepting, Drain, Drained, Limits, TlsFiles, TlsSource};
use crate::resp::RedisFront;
use crate::settings::{Layers, Settings};
use crate::stores::Stores;
use crate::traces::Traces;

/// A server that is ready to run.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) settings: Settings,
    /// Where the settings came from: tokens are read again.
    pub(crate) layers: Layers,
    pub(crate) policy: Policy,
    /// How the policy is read again; `None` for the built-in one.
    pub(crate) source: Option<PolicySource>,
    pub(crate) greeting: Greeting,
}

impl Server {
    /// Runs until it is told to end.
    ///
    /// # Errors
    /// If it cannot start.
    pub(crate) fn run(self) -> Result<(), Failure> {
        telemetry::start(&self.settings.log)?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = self.settings.threads {
            runtime.worker_threads(threads);
        }
        let runtime = runtime.enable_all().build().map_err(|error| Failure::start("the runtime", error))?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), Failure> {
        let Self { settings, layers, policy, source, greeting } = self;
        for warning in policy.warnings() {
            tracing::warn!("{warning}");
        }
        let tls = tls(&settings)?;
        let listeners = Listeners::bind(&settings, tls.as_ref(), greeting.is_quick_start)?;
        let tokens =
            Tokens { check: settings.check_tokens.clone(), operator: settings.operator_tokens.clone() };
        listeners.warn_of_exposure(&tokens);
        let stores = Arc::new(Stores::default());
        let engine = engine(&settings, policy, &stores)?;
        state_file::restore(&engine, settings.state_file.as_deref())?;
        let app = App::new(engine, stores, app_settings(&settings)?, tokens, traces(&settings)?)
            .map_err(|error| Failure::start("metrics", error))?;
        let app = Arc::new(app);
        let (http_addresses, redis_addresses) = (addresses(&listeners.http), addresses(&listeners.redis));
        let drain = Drain::new(settings.drain.lame_duck.get(), settings.drain.timeout.get());
        let connections = app.metrics.connections.clone();
        let trust = Box::new(PolicyTrust(Arc::clone(&app.engine)));
        let limits = connection_limits(&settings).fit_open_files();
        // Whoever gets an answer may send a signal next, which would kill a process that does not listen for it yet.
        let signals = Signals::new().map_err(|error| Failure::start("signals", error))?;
        let front =
            Front::new(Arc::clone(&app)).map_err(|error| Failure::start("the gRPC services", error))?;
        let mut accepting = Accepting::new(limits, connections, drain.clone(), trust);
        // From here on the kernel's connections are answered.
        app.set_ready(true);
        accepting.listen(listeners.http, &front);
        let redis = RedisFront { app: Arc::clone(&app), idle_timeout: settings.redis.idle_timeout.get() };
        accepting.listen(listeners.redis, &redis);
        let serving = tokio::spawn(accepting.drained());
        let reloader = Reloader { app: Arc::clone(&app), layers, source, tls };
        let reloading = tokio::spawn(reloader.run(signals.hangup));
        let ending =
            tokio::spawn(end_on_signal([signals.terminate, signals.interrupt], drain, Arc::clone(&app)));
        for (address, is_tls) in &http_addresses {
            tracing::info!(%address, tls = is_tls, policy = app.engine.policy_version(), "listening");
        }
        for (address, is_tls) in redis_addresses {
            tracing::info!(%address, tls = is_tls, "listening for the Redis protocol");
        }
        greeting.print(&http_addresses, &app);
        notify::ready();
        let drained = serving.await.unwrap_or(Drained { cut: 0 });
        reloading.abort();
        ending.abort();
        if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "cut off: they were not done in time");
        }
        if app.traces.is_some() {
            let app = Arc::clone(&app);
            _ = tokio::task::spawn_blocking(move || app.traces.as_ref().map(Traces::end)).await;
        }
        state_file::save(&app.engine, settings.state_file.as_deref())?;
        tracing::info!("ended");
        Ok(())
    }
}

/// The signals that a server obeys, heard from when this is made.
#[derive(Debug)]
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// Begins the end at the first signal, and ends at once at the second.
async fn end_on_signal([mut terminate, mut interrupt]: [Signal; 2], drain: Drain, app: Arc<App>) {
    let mut next = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
    next().await;
    tracing::info!("ending: connections are still accepted for a moment, then requests are finished");
    app.set_ready(false);
    notify::stopping();
    drain.begin();
    next().await;
    tracing::warn!("ended at once, by a second signal");
    std::process::exit(130);
}

fn tls(settings: &Settings) -> Result<Option<Arc<TlsSource>>, Failure> {
    let (Some(cert), Some(key)) = (settings.tls.cert.clone(), settings.tls.key.clone()) else {
        return Ok(None);
    };
    let files = TlsFiles { cert, key, client_ca: settings.tls.client_ca.clone() };
    TlsSource::load(files).map(|source| Some(Arc::new(source))).map_err(Failure::start_alone)
}

fn engine(settings: &Settings, policy: Policy, stores: &Arc<Stores>) -> Result<Engine, Failure> {
    let stores = Arc::clone(stores);
    let connect = move |name: &str, config: &StoreConfig| stores.connect(name, config);
    let mut builder = Engine::builder(policy).connect(Arc::new(connect));
    if let Some(text) = &settings.secret {
        let secret = secret(&text.0).ok_or_else(|| {
            Failure::start("secret", "write 64 hexadecimal digits, such as `openssl rand -hex 32` makes")
        })?;
        builder = builder.secret(secret);
    }
    Ok(builder.build()?)
}

fn secret(text: &str) -> Option<Secret> {
    let text = text.trim();
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(Secret::new(bytes))
}

fn app_settings(settings: &Settings) -> Result<AppSettings, Failure> {
    let refusal = match (&settings.refusal.content_type, &settings.refusal.body) {
        (Some(kind), Some(body)) => Some(Refusal {
            content_type: HeaderValue::try_from(kind).map_err(|_| {
                Failure::start("refusal.content_type", "it is no content type such as text/html")
            })?,
            body: body.clone().into(),
        }),
        _ => None,
    };
    Ok(AppSettings {
        dialect: settings.dialect,
        retry_jitter: settings.retry_jitter.get(),
        refusal,
        envoy: EnvoyAnswers::new(&settings.envoy),
        body_bytes: settings.limits.body_bytes,
        body_timeout: settings.limits.body_timeout.get(),
        logged_refusals: settings.log.refusals_per_second,
    })
}

fn traces(settings: &Settings) -> Result<Option<Traces>, Failure> {
    let Some(endpoint) = &settings.traces.endpoint else {
        return Ok(None);
    };
    let traces = Traces::new(endpoint, settings.traces.one_in);
    traces.map(Some).map_err(|error| Failure::start("traces.endpoint", error))
}

fn connection_limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    Limits {
        connections: limits.connections,
        header_timeout: limits.header_timeout.get(),
        idle_timeout: limits.idle_timeout.get(),
        write_timeout: limits.write_timeout.get(),
        header_bytes: limits.header_bytes,
        headers: limits.headers,
        uri_bytes: limits.uri_bytes,
        http2_streams: limits.http2_streams,
    }
}

/// The proxies that the policy in force trusts.
#[derive(Debug)]
struct PolicyTrust(Arc<Engine>);

impl listen::Trust for PolicyTrust {
    fn trusts(&self, peer: IpAddr) -> bool {
        ratekeeper_http::is_trusted(peer, self.0.current().client_ip())
    }
}

/// Now, on the engine's clock.
fn now(app: &App) -> Timestamp {
    app.engine.now()
}

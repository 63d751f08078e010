//! A client of the service, made when it is first needed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, ProvideCredentials as _, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use ratekeeper_store::StoreError;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::address::Address;
use crate::failure::{Failure, causes, misconfigured, unavailable};
use crate::table;

/// A request that nobody waits for any more ends by itself after this.
const REQUEST_TAKES: Duration = Duration::from_secs(5);
const CONNECTING_TAKES: Duration = Duration::from_secs(1);
/// Finding credentials and creating a table.
const PREPARING_TAKES: Duration = Duration::from_secs(60);
/// Requests under way, each with a connection of its own, since DynamoDB speaks HTTP/1.1.
const REQUESTS: usize = 512;

type Prepared = Result<Client, StoreError>;
/// From the beginning of an attempt that fails to the next one: finding credentials and connecting is work.
const REST: Duration = Duration::from_millis(500);

type Attempt = watch::Receiver<Option<Prepared>>;

/// The way to one table.
pub(crate) struct Connection {
    address: Arc<Address>,
    sdk: Option<SdkConfig>,
    /// The attempt to make a client that is under way, or was last.
    /// The last attempt, and when it began.
    attempt: Mutex<Option<(Instant, Attempt)>>,
    requests: Arc<Semaphore>,
}

impl Connection {
    pub(crate) fn new(address: Address, sdk: Option<SdkConfig>) -> Self {
        Self {
            address: Arc::new(address),
            sdk,
            attempt: Mutex::default(),
            requests: Arc::new(Semaphore::new(REQUESTS)),
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request.
    ///
    /// It goes on when the caller gives up: a connection whose answer nobody waits for would be closed, and with
    /// deadlines shorter than it takes to open one there would soon be none.
    pub(crate) async fn send<T, F>(&self, request: impl FnOnce(Client) -> F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let client = self.client().await.map_err(Failure::Store)?;
        let turn = Arc::clone(&self.requests).acquire_owned().await;
        let request = request(client);
        let answer = tokio::spawn(async move {
            let _turn = turn;
            request.await
        });
        let answer = answer.await.unwrap_or_else(|_| Err(Failure::Store(shut_down())));
        if matches!(answer, Err(Failure::NoTable)) && self.address.create {
            // Whoever comes next creates it again.
            *self.attempt() = None;
        }
        answer
    }

    /// The client, once there is one. All who wait for it wait for the same attempt, which goes on when they give up.
    async fn client(&self) -> Prepared {
        let mut attempt = self.join_attempt();
        let prepared = attempt.wait_for(Option::is_some).await;
        prepared.ok().and_then(|prepared| prepared.clone()).unwrap_or_else(|| Err(shut_down()))
    }

    /// The last attempt, or a new one if that failed a while ago.
    fn join_attempt(&self) -> Attempt {
        let mut last = self.attempt();
        let is_good = |(begun, attempt): &&(Instant, Attempt)| match &*attempt.borrow() {
            Some(prepared) => prepared.is_ok() || begun.elapsed() < REST,
            // Under way, unless its runtime is gone.
            None => attempt.has_changed().is_ok(),
        };
        if let Some((_, attempt)) = last.as_ref().filter(is_good) {
            return attempt.clone();
        }
        let (done, attempt) = watch::channel(None);
        let (address, sdk) = (Arc::clone(&self.address), self.sdk.clone());
        tokio::spawn(async move {
            let prepared = tokio::time::timeout(PREPARING_TAKES, prepare(&address, sdk)).await;
            done.send_replace(Some(prepared.unwrap_or(Err(StoreError::Timeout))));
        });
        *last = Some((Instant::now(), attempt.clone()));
        attempt
    }

    fn attempt(&self) -> MutexGuard<'_, Option<(Instant, Attempt)>> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shut_down() -> StoreError {
    unavailable("the runtime is shutting down")
}

async fn prepare(address: &Address, sdk: Option<SdkConfig>) -> Prepared {
    let sdk = match sdk {
        Some(sdk) => sdk,
        None => load(address).await,
    };
    let mut builder = Builder::from(&sdk);
    if sdk.http_client().is_none() {
        builder = builder.http_client(http_client());
    }
    if let Some(region) = &address.region {
        builder = builder.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &address.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    // How often and how long to try is the business of those who ask this store.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECTING_TAKES)
        .operation_timeout(REQUEST_TAKES);
    let config = builder.retry_config(RetryConfig::disabled()).timeout_config(timeouts.build()).build();
    if config.region().is_none() {
        return Err(misconfigured("no region is set: add region=… to the URL, or set AWS_REGION"));
    }
    look_for_credentials(&sdk).await?;
    let client = Client::from_conf(config);
    if address.create {
        table::create(&client, address).await?;
    }
    Ok(client)
}

/// The configuration of the environment, the profile, the container or the machine.
async fn load(address: &Address) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
    if let Some(region) = &address.region {
        loader = loader.region(Region::new(region.clone()));
    }
    loader.load().await
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// So that what is wrong with them is said by itself, and not as the failure of a request.
async fn look_for_credentials(sdk: &SdkConfig) -> Result<(), StoreError> {
    let wrong = |what: String| {
        misconfigured(&format!(
            "no credentials of AWS: {what} (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of \
             the machine or container)"
        ))
    };
    let provider = sdk.credentials_provider().ok_or_else(|| wrong("none are configured".to_owned()))?;
    provider.provide_credentials().await.map(drop).map_err(|error| wrong(causes(&error)))
}

//! Stores of one shared server.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, HttpClient, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore, SdkConfig};
use ratekeeper_store::{Batch, Check, Clock, ManualClock, Store, StoreError};
use testservers::DynamoDb;
use tokio::runtime::Runtime;

/// An instant at which no item has expired by the clock of the machine.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(4_000_000_000_000_000);

/// The one runtime that drives stores, as in a server.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}

pub(crate) fn http_client() -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// What an application has loaded: the local server takes any credentials.
pub(crate) fn sdk(http: impl HttpClient + 'static) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "test");
    let builder = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
    builder
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .build()
}

pub(crate) fn url(table: &str, endpoint: &str) -> String {
    format!("dynamodb://{table}?endpoint={endpoint}&create=true")
}

/// A store of a table of the shared server.
pub(crate) fn store(table: &str) -> DynamoDbStore {
    store_at(&url(table, &DynamoDb::shared().url()))
}

pub(crate) fn store_at(url: &str) -> DynamoDbStore {
    store_with(url, http_client())
}

pub(crate) fn store_with(url: &str, http: impl HttpClient + 'static) -> DynamoDbStore {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    DynamoDbStore::new(url, DynamoDbConfig { sdk: Some(sdk(http)), clock }).unwrap()
}

/// The service without the store in between.
pub(crate) fn client() -> Client {
    let config = Config::from(&sdk(http_client())).to_builder();
    Client::from_conf(config.endpoint_url(DynamoDb::shared().url()).build())
}

pub(crate) fn key_of(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(bytes))
}

/// 100 a day, of every algorithm that is stored in another way.
pub(crate) fn bucket() -> Limit {
    Limit::token_bucket(100, Micros::DAY).unwrap()
}

pub(crate) fn window() -> Limit {
    Limit::fixed_window(100, Micros::DAY).unwrap()
}

/// A unit.
pub(crate) fn unit<'a>(op: Op, checks: impl IntoIterator<Item = (&'a str, &'a Limit, u64)>) -> Batch<'a> {
    let mut batch = Batch::new();
    push(&mut batch, op, checks);
    batch
}

pub(crate) fn push<'a>(
    batch: &mut Batch<'a>,
    op: Op,
    checks: impl IntoIterator<Item = (&'a str, &'a Limit, u64)>,
) {
    let check = |(key, limit, cost): (&'a str, &'a Limit, u64)| {
        Check::new(Key::new(key.as_bytes()).unwrap(), limit, cost)
    };
    batch.push(op, checks.into_iter().map(check));
}

/// Takes from one counter, and says whether it got it and how much is left.
pub(crate) async fn take(
    store: &impl Store,
    key: &str,
    limit: &Limit,
    cost: u64,
) -> Result<(bool, u64), StoreError> {
    let mut batch = unit(Op::Take, [(key, limit, cost)]);
    store.apply(&mut batch).wait().await?;
    let verdict = batch.checks(0)[0].verdict.unwrap();
    Ok((verdict.allowed, verdict.remaining))
}

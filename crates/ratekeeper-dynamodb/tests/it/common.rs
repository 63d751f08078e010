//! Stores of one shared server.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use ratekeeper_core::{Timestamp, Verdict};
use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore, SdkConfig};
use ratekeeper_store::{Batch, Clock, ManualClock, Store, StoreError};
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

/// What an application has loaded: the local server takes any credentials.
pub(crate) fn sdk() -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
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
    DynamoDbStore::new(url, DynamoDbConfig { sdk: Some(sdk()), ..Default::default() }).unwrap()
}

pub(crate) fn store_by(table: &str, clock: &Arc<ManualClock>) -> DynamoDbStore {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let config = DynamoDbConfig { sdk: Some(sdk()), clock };
    DynamoDbStore::new(&url(table, &DynamoDb::shared().url()), config).unwrap()
}

/// Applies a batch.
pub(crate) async fn apply(store: &impl Store, batch: &mut Batch<'_>) -> Result<(), StoreError> {
    store.apply(batch).wait().await
}

/// The verdict of the first check of a unit.
pub(crate) fn verdict(batch: &Batch<'_>, unit: usize) -> Verdict {
    batch.checks(unit)[0].verdict.unwrap()
}

/// The service without the store in between.
pub(crate) fn client() -> Client {
    let http: SharedHttpClient = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = Config::from(&sdk()).to_builder().endpoint_url(DynamoDb::shared().url()).http_client(http);
    Client::from_conf(config.build())
}

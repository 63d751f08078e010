//! What a store asks of the service, request by request.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::common::http_client;

/// An HTTP client that notes the operations that are asked.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    client: SharedHttpClient,
    operations: Arc<Mutex<Vec<String>>>,
}

impl Recorded {
    pub(crate) fn new() -> Self {
        Self { client: http_client(), operations: Arc::default() }
    }

    /// What was asked since this was called last.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.operations.lock().unwrap())
    }
}

impl HttpClient for Recorded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(Connector { connector, operations: Arc::clone(&self.operations) })
    }
}

#[derive(Debug)]
struct Connector {
    connector: SharedHttpConnector,
    operations: Arc<Mutex<Vec<String>>>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // DynamoDB_20120810.PutItem
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        self.operations.lock().unwrap().push(operation);
        self.connector.call(request)
    }
}

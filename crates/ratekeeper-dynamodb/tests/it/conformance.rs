//! The suite that every store runs. DynamoDB Local answers a few hundred requests a second: little of the usual effort.

use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore};
use ratekeeper_store::testkit::Subject;
use testservers::DynamoDb;

use crate::common::{http_client, runtime, sdk, url};

fn subject() -> Subject {
    let config = DynamoDbConfig { sdk: Some(sdk(http_client())), ..Default::default() };
    let store = DynamoDbStore::new(&url("conformance", &DynamoDb::shared().url()), config).unwrap();
    Subject::new(store)
        .running(|future| runtime().block_on(future))
        .with_threads(4)
        .with_effort(3)
}

ratekeeper_store::conformance!(subject());

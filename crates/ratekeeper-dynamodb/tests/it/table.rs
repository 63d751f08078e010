//! The table: created, found, looked at.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput, ScalarAttributeType,
    TimeToLiveSpecification,
};
use ratekeeper_dynamodb::{DynamoDbConfig, DynamoDbStore};
use ratekeeper_store::{Examination, Severity, Store as _, StoreError};
use testservers::DynamoDb;

use crate::common::{bucket, client, http_client, runtime, sdk, store_at, take, url};

/// A table that somebody else has created.
fn create(table: &str, key: &str, kind: ScalarAttributeType, writes: Option<i64>) {
    let attribute = AttributeDefinition::builder().attribute_name(key).attribute_type(kind).build().unwrap();
    let element = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash).build().unwrap();
    let request = client().create_table().table_name(table).attribute_definitions(attribute);
    let request = request.key_schema(element).billing_mode(match writes {
        None => BillingMode::PayPerRequest,
        Some(_) => BillingMode::Provisioned,
    });
    let throughput = writes.map(|writes| {
        let throughput = ProvisionedThroughput::builder().read_capacity_units(5).write_capacity_units(writes);
        throughput.build().unwrap()
    });
    runtime().block_on(request.set_provisioned_throughput(throughput).send()).unwrap();
}

/// By the machine's clock.
fn examine(table: &str) -> Examination {
    let url = format!("dynamodb://{table}?endpoint={}", DynamoDb::shared().url());
    let config = DynamoDbConfig { sdk: Some(sdk(http_client())), ..Default::default() };
    let store = DynamoDbStore::new(&url, config).unwrap();
    runtime().block_on(store.examine()).unwrap()
}

fn found<'e>(examination: &'e Examination, severity: Severity, what: &str) -> &'e str {
    let found = examination.findings.iter().find(|finding| finding.what.contains(what));
    let found = found.unwrap_or_else(|| panic!("{what}: {examination:?}"));
    assert_eq!(found.severity, severity, "{found:?}");
    &found.remedy
}

#[test]
fn a_table_is_created_by_several_at_once_and_nothing_is_wrong_with_it() {
    let url = url("created", &DynamoDb::shared().url());
    let takes: Vec<_> = (0..4)
        .map(|number| {
            let url = url.clone();
            runtime()
                .spawn(async move { take(&store_at(&url), &format!("key {number}"), &bucket(), 1).await })
        })
        .collect();
    for take in takes {
        assert_eq!(runtime().block_on(take).unwrap().unwrap(), (true, 99));
    }
    let examination = examine("created");
    assert_eq!(examination.findings, []);
    assert_eq!(examination.time, None, "the clocks of the clients decide");
    let [server] = examination.servers.as_slice() else {
        panic!("{examination:?}")
    };
    assert!(server.starts_with("Amazon DynamoDB, table created at http://127.0.0.1:"), "{server}");
    assert!(server.ends_with("about 4 counters"), "{server}");
    let expiry = client().describe_time_to_live().table_name("created").send();
    let expiry = runtime().block_on(expiry).unwrap().time_to_live_description.unwrap();
    assert_eq!(expiry.attribute_name(), Some("expires"));
    let table = runtime().block_on(client().describe_table().table_name("created").send()).unwrap().table;
    let billing = table.unwrap().billing_mode_summary.unwrap().billing_mode;
    assert_eq!(billing, Some(BillingMode::PayPerRequest));
}

#[test]
fn a_missing_table_is_told_with_the_command_that_creates_it() {
    let server = DynamoDb::shared().url();
    let store = store_at(&format!("dynamodb://missing?endpoint={server}"));
    let error = runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err();
    assert!(!error.is_retryable());
    let error = error.to_string();
    for part in [
        "there is no table missing",
        "create=true",
        "aws dynamodb create-table --table-name missing",
        "AttributeName=k,AttributeType=B",
        "--billing-mode PAY_PER_REQUEST",
        "update-time-to-live",
        "Enabled=true,AttributeName=expires",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let examination = examine("missing");
    let remedy = found(&examination, Severity::Problem, "there is no table missing");
    assert!(remedy.starts_with("aws dynamodb create-table"));
    // Once it is there, the same store uses it.
    create("missing", "k", ScalarAttributeType::B, None);
    assert!(runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap().0);
}

#[test]
fn a_table_with_another_key_is_told() {
    create("named", "id", ScalarAttributeType::B, None);
    create("typed", "k", ScalarAttributeType::S, None);
    for table in ["named", "typed"] {
        let server = DynamoDb::shared().url();
        for url in [
            url(table, &server),
            format!("dynamodb://{table}?endpoint={server}"),
        ] {
            let error = runtime().block_on(take(&store_at(&url), "key", &bucket(), 1)).unwrap_err();
            assert!(matches!(error, StoreError::Misconfigured { .. }), "{error}");
        }
        let remedy = found(&examine(table), Severity::Problem, "one binary attribute k").to_owned();
        assert!(remedy.contains("AttributeName=k,AttributeType=B"));
    }
}

#[test]
fn what_could_be_better_is_told_with_its_remedy() {
    create("unkempt", "k", ScalarAttributeType::B, Some(7));
    let examination = examine("unkempt");
    let remedy = found(&examination, Severity::Warning, "provisioned capacity of 7 writes");
    assert!(remedy.contains("update-table --table-name unkempt"), "{remedy}");
    let remedy = found(&examination, Severity::Warning, "grows with every new key");
    assert!(remedy.contains("Enabled=true,AttributeName=expires"), "{remedy}");
    let other = TimeToLiveSpecification::builder().enabled(true).attribute_name("ttl").build().unwrap();
    let request = client().update_time_to_live().table_name("unkempt").time_to_live_specification(other);
    runtime().block_on(request.send()).unwrap();
    let examination = examine("unkempt");
    let remedy = found(&examination, Severity::Warning, "by the attribute ttl");
    assert!(remedy.contains("Enabled=false,AttributeName=ttl"), "{remedy}");
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let url = url("clocks", &DynamoDb::shared().url());
    // The clock of this store shows the year 2096.
    let examination = runtime().block_on(store_at(&url).examine()).unwrap();
    let remedy = found(&examination, Severity::Problem, "ahead of that of DynamoDB");
    assert!(remedy.contains("NTP"));
}

#[test]
fn without_a_region_it_is_told() {
    let sdk = sdk(http_client()).into_builder().region(None).build();
    let url = url("nowhere", &DynamoDb::shared().url());
    let store =
        DynamoDbStore::new(&url, DynamoDbConfig { sdk: Some(sdk.clone()), ..Default::default() }).unwrap();
    let error = runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Misconfigured { reason } if reason.contains("region=")),
        "{error}"
    );
    let url = format!("{url}&region=eu-central-1");
    let store = DynamoDbStore::new(&url, DynamoDbConfig { sdk: Some(sdk), ..Default::default() }).unwrap();
    assert!(runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap().0);
}

//! The configuration of envoyproxy/ratelimit, served as it is.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use hyper::Method;
use serde_json::{Value, json};

use crate::client::{Client, eventually};
use crate::server::{Home, Server, free_address};

fn config(domain: &str, limit: u64) -> String {
    format!(
        "domain: {domain}\ndescriptors: [{{ key: k, rate_limit: {{ unit: year, requests_per_unit: {limit} }} }}]\n"
    )
}

/// A server of the folder `config`, listening for gRPC where nobody else does.
async fn serve(home: &Home) -> (Server, Client) {
    let grpc = format!("envoy.listen={}", free_address());
    let server = home.start_imported(&["--set", &grpc]).await;
    let client = server.client().await;
    (server, client)
}

/// Asks as Envoy does; what is answered of the descriptor.
async fn ask(client: &mut Client, domain: &str) -> Value {
    let body = json!({ "domain": domain, "descriptors": [{ "entries": [{ "key": "k", "value": "v" }] }] });
    client.post("/json", &body).await.unwrap().json()["statuses"][0].clone()
}

/// The limit that counts in a domain.
async fn limit(client: &mut Client, domain: &str) -> Value {
    ask(client, domain).await["currentLimit"]["requestsPerUnit"].clone()
}

async fn until(client: &mut Client, domain: &str, expected: Value) {
    eventually("the limit is another", async || (limit(client, domain).await == expected).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_the_folder_is_served_and_a_wrong_one_is_not() {
    let home = Home::new("");
    fs::create_dir(home.path("config")).unwrap();
    home.write("config/a.yaml", &config("a", 10));
    let (server, mut client) = serve(&home).await;
    let answer = ask(&mut client, "a").await;
    assert_eq!(
        (&answer["currentLimit"]["requestsPerUnit"], &answer["limitRemaining"]),
        (&json!(10), &json!(9))
    );
    // As long, and as old, as it was.
    let written = fs::metadata(home.path("config/a.yaml")).unwrap().modified().unwrap();
    home.write("config/a.yaml", &config("a", 20));
    File::open(home.path("config/a.yaml")).unwrap().set_modified(written).unwrap();
    until(&mut client, "a", json!(20)).await;
    home.write("config/b.yaml", &config("b", 30));
    until(&mut client, "b", json!(30)).await;
    home.write("config/b.yaml", &config("a", 30));
    let failed = eventually("the error is seen", async || {
        let status = client.operate(Method::GET, "/v1/policy", &Value::Null).await.unwrap().json();
        Some(status["last_error"]["error"].clone()).filter(|error| !error.is_null())
    })
    .await;
    let error = failed.as_str().unwrap();
    assert!(
        error.contains("config/b.yaml:1:9: domain: the domain \"a\" is in a.yaml:1 already"),
        "{error}"
    );
    assert_eq!(client.metric("ratekeeper_policy_last_reload_successful").await, 0);
    assert!(server.log().contains("the policy is not replaced"));
    assert_eq!(limit(&mut client, "b").await, json!(30), "the last good one goes on");
    fs::remove_file(home.path("config/b.yaml")).unwrap();
    until(&mut client, "b", Value::Null).await;
    assert_eq!(client.metric("ratekeeper_policy_last_reload_successful").await, 1);
    fs::remove_file(home.path("config/a.yaml")).unwrap();
    eventually("that nothing is left is seen", async || {
        server.log().contains("there is no .yaml or .yml file here").then_some(())
    })
    .await;
    assert_eq!(limit(&mut client, "a").await, json!(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_update_of_a_config_map_is_served() {
    let home = Home::new("");
    for (version, limit) in [("..1", 10), ("..2", 20)] {
        fs::create_dir_all(home.path("config").join(version)).unwrap();
        home.write(&format!("config/{version}/limits.yaml"), &config("a", limit));
    }
    symlink("..1", home.path("config/..data")).unwrap();
    symlink("..data/limits.yaml", home.path("config/limits.yaml")).unwrap();
    let (_server, mut client) = serve(&home).await;
    assert_eq!(limit(&mut client, "a").await, json!(10));
    symlink("..2", home.path("config/..data_tmp")).unwrap();
    fs::rename(home.path("config/..data_tmp"), home.path("config/..data")).unwrap();
    fs::remove_dir_all(home.path("config/..1")).unwrap();
    until(&mut client, "a", json!(20)).await;
}

//! Programs that judge what we serve.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;

use super::python_program;
use crate::server::{Home, OPERATOR};

const POLICY: &str = "
client_ip: { trusted_proxies: [127.0.0.1] }
rules:
  - { name: per-ip, key: [ip], limits: [ 100 per second, 100000 per day ] }
  - { name: per-user, key: [user], limits: [ { rate: 50 per second, algorithm: sliding_window } ], mode: shadow }
  - { name: slots, key: [user], limits: [ 10 concurrent ttl 5s ] }
";

#[tokio::test(flavor = "multi_thread")]
async fn promtool_accepts_the_metrics() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let mut client = server.client().await;
    for number in 0..300 {
        let attributes = json!({ "ip": "203.0.113.7", "user": format!("user-{number}") });
        client.post("/v1/check", &json!({ "attributes": attributes })).await.unwrap();
    }
    client.get("/nowhere").await.unwrap();
    let metrics = client.get("/metrics").await.unwrap();
    assert!(
        !metrics.text().contains("user-7") && !metrics.text().contains("203.0.113"),
        "subjects are no labels"
    );
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(&metrics.body).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let complaints =
        String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && complaints.is_empty(), "{complaints}\n{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_description_is_valid() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let description = server.client().await.get("/openapi.json").await.unwrap();
    home.write("openapi.json", description.text());
    let said = Command::new(python_program("openapi-spec-validator"))
        .arg(home.path("openapi.json"))
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

/// Every endpoint gets thousands of requests that follow its description, and that do not: no 5xx, no answer that is not
/// described.
#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzer_finds_no_answer_that_is_not_described() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let url = format!("http://{}/openapi.json", server.address);
    let said = Command::new(python_program("schemathesis"))
        .args([
            "run",
            &url,
            "--no-color",
            "--seed",
            "7",
            "--max-examples",
            "60",
            "--workers",
            "1",
        ])
        .args(["--header", &format!("Authorization: Bearer {OPERATOR}")])
        .args(["--checks", "all", "--request-timeout", "20"])
        .current_dir(home.path(""))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&said.stdout);
    assert!(
        said.status.success(),
        "{told}\n{}\n{}",
        String::from_utf8_lossy(&said.stderr),
        server.log()
    );
    server.client().await.get("/healthz").await.unwrap();
}

/// A client that a generator has made of the description, asking as a user of it would.
const GENERATED: &str = r#"
import sys
from ratekeeper_client import Client
from ratekeeper_client.api.decisions import check
from ratekeeper_client.models import SingleCheck, Attributes
answer = check.sync(client=Client(base_url=sys.argv[1]), body=SingleCheck(attributes=Attributes(ip="203.0.113.7")))
print(answer.decision.value, answer.limits[0].rule, answer.limits[0].remaining)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_works() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let description = server.client().await.get("/openapi.json").await.unwrap();
    home.write("openapi.json", description.text());
    home.write("ask.py", GENERATED);
    let run = |program: &str, arguments: &[&str]| {
        let said = Command::new(python_program(program))
            .args(arguments)
            .current_dir(home.path(""))
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{text}");
        text
    };
    let made = run(
        "openapi-python-client",
        &[
            "generate",
            "--path",
            "openapi.json",
            "--meta",
            "none",
            "--output-path",
            "ratekeeper_client",
        ],
    );
    assert!(!made.contains("WARNING"), "{made}");
    assert_eq!(
        run("python", &["ask.py", &format!("http://{}", server.address)]).trim(),
        "allow per-ip 99"
    );
}

//! Every query of the rules and of the dashboard, asked of a Prometheus that watches a server to which everything happens.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use testservers::Redis;

use super::queries::{check, exported, labels};
use super::{packaging, read};
use crate::client::{Client, eventually};
use crate::server::{Home, Server, free_address};
use crate::workspace;

const POLICY: &str = "
stores:
  shared: { url: '${REDIS}', deadline: 200ms }
  small: { type: memory, max_keys: 100, overflow: evict }
rules:
  - { name: api, match: { path: /api }, key: [user], limits: [ 2 per day ], subject_metrics: true }
  - { name: many, match: { path: /many }, key: [user], limits: [ 2 per day ], store: small }
  - { name: far, match: { path: /far }, key: [user], limits: [ 2 per day ], store: shared, on_store_error: deny }
  - { name: envoy, match: { domain: web }, key: ['descriptor:user'], limits: [ 2 per day ] }
";

/// A Prometheus with our configuration, that looks at one server often.
struct Prometheus {
    child: Child,
    client: Client,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Prometheus {
    async fn start(home: &Home, server: &Server) -> Self {
        let configuration = read("prometheus/prometheus.yml")
            .replace("15s", "200ms")
            .replace("127.0.0.1:8080", &server.address.to_string());
        home.write("prometheus.yml", &configuration);
        for name in ["rules.yml", "alerts.yml"] {
            home.write(name, &read(&format!("prometheus/{name}")));
        }
        let address = free_address();
        let child = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(home.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = eventually("Prometheus is ready", async || {
            let mut client = Client::connect(address).await.ok()?;
            client.get("/-/ready").await.ok().filter(|answer| answer.status == 200)?;
            Some(client)
        })
        .await;
        Self { child, client }
    }

    async fn ask(&mut self, path: &str) -> Value {
        let answer = self.client.get(path).await.unwrap().json();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    async fn query(&mut self, query: &str) -> Vec<Value> {
        let mut escaped = String::new();
        for byte in query.bytes() {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        let data = self.ask(&format!("/api/v1/query?query={escaped}")).await;
        data["result"].as_array().unwrap().clone()
    }

    /// Asks until there is an answer: most queries need two looks at the server.
    async fn answered(&mut self, query: &str) {
        eventually(&format!("there is something of {query}"), async || {
            Some(self.query(query).await).filter(|result| !result.is_empty())
        })
        .await;
    }
}

/// Lets everything happen that the server counts, again and again.
async fn busy(client: &mut Client, redis: std::net::SocketAddr, round: u64) {
    for path in ["/api", "/many", "/far"] {
        for user in 0..60 {
            let user = format!(
                "user-{}",
                if path == "/many" {
                    round * 60 + user
                } else {
                    user % 3
                }
            );
            let body = json!({ "attributes": { "path": path, "user": user } });
            assert_eq!(client.post("/v1/check", &body).await.unwrap().status, 200);
        }
    }
    client.get("/nowhere").await.unwrap();
    let descriptor = json!({ "entries": [{ "key": "user", "value": "a" }] });
    client
        .post("/json", &json!({ "domain": "web", "descriptors": [descriptor] }))
        .await
        .unwrap();
    crate::hostile::said_to(redis, b"CL.THROTTLE a 1 1 60\r\nQUIT\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_finds_what_the_server_exports() {
    let store = Redis::start();
    let home = Home::new(POLICY);
    let redis = free_address();
    let listen = format!("redis.listen={redis}");
    let server = home.start(&["--env", &format!("REDIS={}", store.url()), "--set", &listen]).await;
    let mut client = server.client().await;
    let mut prometheus = Prometheus::start(&home, &server).await;
    busy(&mut client, redis, 0).await;
    home.write("policy.yaml", "rules: 5");
    server.signal("-HUP");
    eventually("the reload has failed", async || {
        let page = client.get("/metrics").await.unwrap();
        page.text()
            .contains("ratekeeper_policy_reloads_total{result=\"failure\"} 1")
            .then_some(())
    })
    .await;
    // Counted twice at least, with and without its store, so that everything is seen to grow.
    store.kill();
    for round in 1..4 {
        busy(&mut client, redis, round).await;
        prometheus
            .answered(&format!("ratekeeper_decisions_total{{decision=\"allow\"}} > {}", 6 * round))
            .await;
    }
    let page = client.get("/metrics").await.unwrap();
    let exported = exported(page.text());
    let mut queries = 0;
    for panel in dashboard()["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let (query, legend) =
                (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
            let named: BTreeSet<&str> = labels(query).into_iter().chain(labels(legend)).collect();
            check(&exported, query, &named);
            prometheus.answered(&filled(query)).await;
            queries += 1;
        }
        assert!(panel["type"] == "row" || panel["description"].as_str().is_some_and(|text| text.len() > 5));
    }
    assert!(queries > 50, "{queries}");
    for annotation in dashboard()["annotations"]["list"].as_array().unwrap() {
        prometheus.query(&filled(annotation["expr"].as_str().unwrap())).await;
    }
    rules(&mut prometheus, &exported).await;
    let firing = prometheus.query("ALERTS{alertname=\"RatekeeperPolicyNotReloaded\"}").await;
    assert_eq!(firing.len(), 1, "pending, as it is in this server");
}

/// Each rule asks for what there is; each recording finds something, and each alert says what to do.
async fn rules(prometheus: &mut Prometheus, exported: &std::collections::BTreeMap<String, BTreeSet<String>>) {
    let guide = std::fs::read_to_string(workspace().join("docs/guide/monitoring.md")).unwrap();
    let data = prometheus.ask("/api/v1/rules").await;
    let (mut recordings, mut alerts) = (0, 0);
    for rule in data["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
    {
        let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
        assert_eq!(rule["lastError"].as_str(), None, "{rule}");
        if rule["type"] == "recording" {
            check(exported, query, &labels(query));
            prometheus.answered(name).await;
            recordings += 1;
            continue;
        }
        let ours: BTreeSet<&str> = super::queries::metrics(query);
        assert!(ours.iter().all(|metric| exported.contains_key(*metric)), "{query}");
        let annotations = &rule["annotations"];
        assert!(
            ["summary", "description"]
                .iter()
                .all(|name| annotations[name].as_str().is_some_and(|text| text.len() > 10))
        );
        let runbook = annotations["runbook_url"].as_str().unwrap();
        assert!(
            runbook.ends_with(&format!("docs/guide/monitoring.md#{}", name.to_lowercase())),
            "{runbook}"
        );
        assert!(guide.contains(&format!("\n### {name}\n")), "the guide says what to do about {name}");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()));
        alerts += 1;
    }
    assert_eq!((recordings, alerts), (7, 17));
    let sections = guide.lines().filter(|line| line.starts_with("### Ratekeeper")).count();
    assert_eq!(sections, alerts, "and about no alert that there is not");
}

fn dashboard() -> Value {
    serde_json::from_slice(&std::fs::read(packaging("grafana/ratekeeper.json")).unwrap()).unwrap()
}

/// A query as Grafana asks it.
fn filled(query: &str) -> String {
    let variables = [
        ("$__rate_interval", "1m"),
        ("$job", ".*"),
        ("$instance", ".*"),
        ("$rule", ".*"),
    ];
    variables.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
}

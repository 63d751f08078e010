//! Envoy with the rate limit service, configured as the guide says.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::JoinSet;

use super::{Running, code, python_program};
use crate::client::{Answer, Client, eventually};
use crate::server::{Home, Server, free_address};
use crate::upstream::Upstream;

const POLICY: &str = "
rules:
  - { name: probe, match: { domain: web, entries: [{ key: path, value: /probe }, remote_address] }, limits: 1000000 per second }
  - name: hello
    match: { domain: web, entries: [{ key: path, value: /hello }, remote_address] }
    limits: { rate: 2 per 365 days, algorithm: fixed_window }
    envoy: { name: greetings }
  - { name: quiet, match: { domain: web, entries: [{ key: path, value: /quiet }, remote_address] }, limits: 1 per day, mode: shadow }
";

/// A server, Envoy in front of a service, and what the tests see of it.
struct Site {
    home: Home,
    server: Option<Server>,
    at: SocketAddr,
    front: SocketAddr,
    admin: SocketAddr,
    upstream: Upstream,
    _envoy: Running,
}

impl Site {
    /// The site of the guide, changed a little.
    async fn start(changes: &[(&str, &str)]) -> Self {
        let home = Home::new(POLICY);
        let server = home.start(&["--set", "drain.lame_duck=2s"]).await;
        let (at, front, admin, upstream) =
            (server.address, free_address(), free_address(), Upstream::start().await);
        let port = |address: SocketAddr| format!("port_value: {}", address.port());
        let mut config = code("envoy.md", "yml")
            .replace("port_value: 8080", &port(at))
            .replace("port_value: 3000", &port(upstream.address))
            .replace("port_value: 10000", &port(front))
            .replace("interval: 5s", "interval: 0.1s");
        for (from, to) in changes {
            assert!(config.contains(from), "{from}");
            config = config.replace(from, to);
        }
        config.push_str(&format!(
            "\nadmin: {{ address: {{ socket_address: {{ address: 127.0.0.1, {} }} }} }}\n",
            port(admin)
        ));
        home.write("envoy.yaml", &config);
        let log = File::create(home.path("envoy.log")).unwrap();
        let mut envoy = Command::new(python_program("envoy"));
        envoy.args(["--concurrency", "1", "--disable-hot-restart", "-l", "warn", "-c"]);
        let envoy =
            Running::start(envoy.arg(home.path("envoy.yaml")).stdout(log.try_clone().unwrap()).stderr(log));
        let site = Self { home, server: Some(server), at, front, admin, upstream, _envoy: envoy };
        site.asks_the_service().await;
        site
    }

    /// Waits until Envoy asks the service, and gets answers.
    async fn asks_the_service(&self) {
        eventually("Envoy asks the service", async || {
            let answer = self.get("/probe").await?;
            answer.header("x-ratelimit-limit").is_some().then_some(())
        })
        .await;
    }

    async fn get(&self, path: &str) -> Option<Answer> {
        Client::connect(self.front).await.ok()?.get(path).await.ok()
    }

    async fn status(&self, path: &str) -> u16 {
        self.get(path).await.unwrap_or_else(|| panic!("{}", self.log())).status
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path("envoy.log")).unwrap_or_default()
    }

    /// Whether Envoy holds the service to be healthy.
    async fn is_healthy(&self) -> Option<bool> {
        let clusters = Client::connect(self.admin).await.ok()?.get("/clusters").await.ok()?;
        let flags = format!("ratekeeper::{}::health_flags::", self.at);
        let line = clusters.text().lines().find(|line| line.starts_with(&flags))?;
        Some(line.ends_with("::healthy"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_limits_and_tells_of_the_limits() {
    let site = Site::start(&[]).await;
    let before = site.upstream.served();
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = site.get("/hello").await.unwrap();
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("x-ratelimit-limit"), Some("2, 2;w=31536000;name=\"greetings\""));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
        let seconds: u64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert!((1..=31_536_000).contains(&seconds), "{seconds}");
    }
    assert_eq!(site.upstream.served() - before, 2, "refused requests do not reach the service behind");
    for _ in 0..3 {
        assert_eq!(site.status("/quiet").await, 200, "in shadow");
    }
    assert_eq!(site.status("/nothing/is/known/of/it").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_envoy_does_what_it_is_told() {
    for (deny, expected) in [("false", 200), ("true", 500)] {
        let site = Site::start(&[("failure_mode_deny: false", &format!("failure_mode_deny: {deny}"))]).await;
        let server = site.server.as_ref().unwrap();
        server.signal("-STOP");
        assert_eq!(site.status("/hello").await, expected, "hung, deny {deny}");
        server.signal("-CONT");
        site.asks_the_service().await;
        server.signal("-KILL");
        eventually("nobody listens", async || Client::connect(site.at).await.err()).await;
        assert_eq!(site.status("/hello").await, expected, "gone, deny {deny}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_sees_the_end_coming() {
    let mut site = Site::start(&[]).await;
    eventually("it is healthy", async || site.is_healthy().await.filter(|healthy| *healthy)).await;
    let server = site.server.take().unwrap();
    server.signal("-TERM");
    eventually("it is not healthy", async || site.is_healthy().await.filter(|healthy| !healthy)).await;
    assert!(server.ended().await.success());
}

/// Requests all the time, while the service ends and another one takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_while_the_service_restarts() {
    let mut site = Site::start(&[]).await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let (front, done, answered) = (site.front, Arc::clone(&done), Arc::clone(&answered));
        clients.spawn(async move {
            let mut client = Client::connect(front).await.unwrap();
            while !done.load(Ordering::Relaxed) {
                let answer = client.get("/probe").await.unwrap();
                assert!([200, 429].contains(&answer.status), "{answer:?}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let more = async |count| {
        let goal = answered.load(Ordering::Relaxed) + count;
        eventually("more is answered", async || (answered.load(Ordering::Relaxed) > goal).then_some(()))
            .await;
    };
    for _ in 0..3 {
        more(500).await;
        let server = site.server.take().unwrap();
        server.signal("-TERM");
        assert!(server.ended().await.success());
        more(500).await;
        site.server = Some(site.home.start_at(site.at, &[]).await);
        site.asks_the_service().await;
    }
    done.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

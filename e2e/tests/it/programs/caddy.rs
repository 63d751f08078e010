//! Caddy with `forward_auth`, configured as the guide says.

use std::process::Command;

use super::nginx::{POLICY, passes_and_refuses};
use super::{Running, code};
use crate::client::{Client, eventually};
use crate::server::{Home, free_address};
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn caddy_asks_before_it_lets_a_request_through() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let (upstream, front) = (Upstream::start().await, free_address());
    let site = code("caddy.md", "caddy")
        .replace("127.0.0.1:8080", &server.address.to_string())
        .replace("127.0.0.1:3000", &upstream.address.to_string())
        .replace("example.com {", &format!("http://{front} {{"));
    home.write("Caddyfile", &format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}\n"));
    let mut caddy = Command::new("caddy");
    caddy.env("HOME", home.path("")).args(["run", "--adapter", "caddyfile", "--config"]);
    let _caddy = Running::start(caddy.arg(home.path("Caddyfile")));
    let mut client = eventually("Caddy listens", async || Client::connect(front).await.ok()).await;
    passes_and_refuses(&mut client, &upstream, &|| server.log()).await;
}

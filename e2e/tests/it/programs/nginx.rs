//! nginx with `auth_request`, configured as the guide says.

use std::fs;
use std::process::Command;

use super::{Running, code};
use crate::client::{Client, eventually};
use crate::server::{Home, free_address};
use crate::upstream::Upstream;

pub(super) const POLICY: &str = "
client_ip: { trusted_proxies: [127.0.0.1] }
rules:
  - { name: hello, match: { path: /hello }, key: [ip], limits: [ 3 per hour ] }
  - { name: posts, match: { methods: [POST], path: \"/items/{id}\" }, key: [header:x-api-key], limits: [ 1 per hour ] }
";

#[tokio::test(flavor = "multi_thread")]
async fn nginx_asks_before_it_lets_a_request_through() {
    let home = Home::new(POLICY);
    let server = home.start(&[]).await;
    let (upstream, front) = (Upstream::start().await, free_address());
    let site = code("nginx.md", "nginx")
        .replace("127.0.0.1:8080", &server.address.to_string())
        .replace("127.0.0.1:3000", &upstream.address.to_string())
        .replace("listen 80;", &format!("listen {front};"));
    let folder = home.path("");
    let folder = folder.display();
    let config = format!(
        "daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;\n\
         fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{site}\n}}\n"
    );
    home.write("nginx.conf", &config);
    let mut nginx = Command::new("/usr/sbin/nginx");
    let _nginx = Running::start(nginx.args(["-e", "stderr", "-c"]).arg(home.path("nginx.conf")));
    let log = || fs::read_to_string(home.path("nginx.log")).unwrap_or_default();
    let mut client = eventually("nginx listens", async || Client::connect(front).await.ok()).await;
    passes_and_refuses(&mut client, &upstream, &log).await;
}

/// What every proxy must do alike.
pub(super) async fn passes_and_refuses(client: &mut Client, upstream: &Upstream, log: &dyn Fn() -> String) {
    for left in (0..3).rev() {
        // Another spelling is the same path, and what a client claims of its address is not believed.
        let path = if left == 1 { "//HELLO/?x=1" } else { "/hello?x=1" };
        let spoofed = format!("198.51.100.{left}");
        let answer = client
            .send(hyper::Method::GET, path, &[("x-forwarded-for", &spoofed)], bytes::Bytes::new())
            .await
            .unwrap();
        assert_eq!((answer.status, answer.text()), (200, "upstream"), "{}", log());
        let limit = answer.header("ratelimit").unwrap();
        assert!(limit.starts_with(&format!("\"hello\";r={left}")), "{limit}");
    }
    let refused = client.get("/hello").await.unwrap();
    assert_eq!(refused.status, 429, "{refused:?}\n{}", log());
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=1200).contains(&seconds), "{seconds}");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"hello\";r=0;t="));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"hello\";q=3;w=3600"));
    assert_eq!(upstream.served(), 3, "refused requests do not reach the service behind");
    let post = async |client: &mut Client, key: &str| {
        let headers = [("x-api-key", key)];
        client.send(hyper::Method::POST, "/items/7", &headers, "x".into()).await.unwrap().status
    };
    assert_eq!(post(client, "a").await, 200, "{}", log());
    assert_eq!(post(client, "a").await, 429);
    assert_eq!(
        post(client, "b").await,
        200,
        "the method, path and headers of the request are those that count"
    );
    assert_eq!(client.get("/items/7").await.unwrap().status, 200);
}

//! Other ways in: TLS, client certificates, the PROXY protocol, a socket that was there before.

use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::client::{Client, eventually};
use crate::hostile::until_closed;
use crate::server::{Home, Server, free_address};

const POLICY: &str = "
client_ip: { trusted_proxies: [127.0.0.1] }
rules: [ { name: all, key: [ip], limits: [ 1000 per 365 days (fixed_window) ] } ]
";

/// An authority that certifies servers and clients.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "An authority of the tests");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate, which clients trust.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes a certificate and its key.
    pub(crate) fn certify(&self, home: &Home, name: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        home.write(&format!("{name}.crt"), &certificate.pem());
        home.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

/// What curl gets from a path over TLS, or its complaint.
fn curl(home: &Home, server: &Server, arguments: &[&str]) -> Result<String, String> {
    let said = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--cacert",
            "ca.crt",
        ])
        .args(arguments)
        .arg(format!("https://{}/readyz", server.address))
        .current_dir(home.path(""))
        .output()
        .unwrap();
    match said.status.success() {
        true => Ok(String::from_utf8(said.stdout).unwrap()),
        false => Err(String::from_utf8(said.stderr).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_asks_for_client_certificates_where_it_is_told_to() {
    let (home, authority) = (Home::new(POLICY), Authority::new());
    home.write("ca.crt", &authority.pem());
    for name in ["server", "client"] {
        authority.certify(&home, name);
    }
    Authority::new().certify(&home, "stranger");
    let tls = ["--set", "tls.cert=server.crt", "--set", "tls.key=server.key"];
    let server = home.start_unwatched(free_address(), &tls);
    let ready = eventually("TLS is spoken", async || curl(&home, &server, &[]).ok()).await;
    assert_eq!(ready, "ready\n");
    assert_eq!(curl(&home, &server, &["--http1.1"]).as_deref(), Ok("ready\n"));
    let version = curl(&home, &server, &["--http2", "--output", "body", "--write-out", "%{http_version}"]);
    assert_eq!(version.as_deref(), Ok("2"));
    assert!(curl(&home, &server, &["--tls-max", "1.1"]).is_err(), "old versions are refused");
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(!until_closed(&mut plain).await.starts_with(b"HTTP"), "nothing is answered in the clear");
    drop(server);
    let mutual = [&tls[..], &["--set", "tls.client_ca=ca.crt"]].concat();
    let server = home.start_unwatched(free_address(), &mutual);
    let with = |name: &'static str| {
        let (cert, key): (&str, &str) = match name {
            "client" => ("client.crt", "client.key"),
            _ => ("stranger.crt", "stranger.key"),
        };
        ["--cert", cert, "--key", key]
    };
    eventually("clients are known", async || curl(&home, &server, &with("client")).ok()).await;
    assert!(curl(&home, &server, &[]).is_err() && curl(&home, &server, &with("stranger")).is_err());
    // New certificates take effect at a hangup; broken ones do not.
    home.write("server.key", "no key");
    server.signal("-HUP");
    eventually("the error is told", async || server.log().contains("the certificates stay").then_some(()))
        .await;
    assert!(curl(&home, &server, &with("client")).is_ok());
    let other = Authority::new();
    other.certify(&home, "server");
    home.write("ca2.crt", &other.pem());
    server.signal("-HUP");
    let renewed = [&with("client")[..], &["--cacert", "ca2.crt"]].concat();
    eventually("the new certificate is served", async || curl(&home, &server, &renewed).ok()).await;
}

/// What is left of the limit of whoever a connection says that it is.
async fn left(address: std::net::SocketAddr, header: &[u8]) -> Option<u64> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /v1/authorize HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(&[header, request].concat()).await.unwrap();
    let answer = String::from_utf8(until_closed(&mut stream).await).unwrap();
    let fields = answer.lines().find(|line| line.starts_with("ratelimit: "))?;
    fields.split("r=").nth(1)?.split(';').next()?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_protocol_names_the_client_and_is_required_where_it_is_spoken() {
    let proxied = free_address();
    let home = Home::new(POLICY);
    let server = home.start(&["--set", &format!("proxy_protocol.listen={proxied}")]).await;
    let v2 = |client: [u8; 4]| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend(client);
        header.extend([192, 0, 2, 1, 0x12, 0x34, 0, 80]);
        header
    };
    assert_eq!(left(proxied, b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n").await, Some(999));
    assert_eq!(left(proxied, b"PROXY TCP4 203.0.113.7 192.0.2.1 4712 80\r\n").await, Some(998));
    assert_eq!(left(proxied, &v2([203, 0, 113, 7])).await, Some(997), "both versions name one client");
    assert_eq!(left(proxied, &v2([203, 0, 113, 8])).await, Some(999));
    for wrong in [&b""[..], b"PROXY TCP4 x y 1 2\r\n", b"PROXY", &[0; 600]] {
        assert_eq!(left(proxied, wrong).await, None, "{wrong:?}");
    }
    assert_eq!(left(server.address, b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\n").await, None);
    // From somebody who is not trusted, it is not believed.
    home.write("policy.yaml", &POLICY.replace("127.0.0.1", "192.0.2.1"));
    server.signal("-HUP");
    eventually("nobody is trusted", async || {
        let refused = left(proxied, b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n").await;
        refused.is_none().then_some(())
    })
    .await;
}

/// What systemd does: connections wait in its socket while the server restarts.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_handed_over_loses_no_connection_at_a_restart() {
    let home = Home::new(POLICY);
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let server = home.start_with_socket(&socket, address);
    let ask = async || {
        let mut client = Client::connect(address).await.unwrap();
        client.get("/readyz").await.unwrap().status
    };
    assert_eq!(ask().await, 200);
    server.signal("-TERM");
    assert!(server.ended().await.success());
    let waiting = tokio::spawn(async move {
        let mut client = Client::connect(address).await.unwrap();
        client.get("/readyz").await.unwrap().status
    });
    let _server = home.start_with_socket(&socket, address);
    assert_eq!(waiting.await.unwrap(), 200, "who came in between is answered by the next");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_are_json_and_refusals_are_among_them() {
    let home = Home::new("rules: [{ name: none, key: [user], limits: [ 1 per 365 days ] }]");
    let server = home.start(&["--log-format", "json"]).await;
    let mut client = server.client().await;
    let body = serde_json::json!({ "attributes": { "user": "eve\n{\"forged\":1}", "path": "/x" } });
    for _ in 0..2 {
        client.post("/v1/check", &body).await.unwrap();
    }
    let lines = || -> Vec<Value> {
        let log = server.log();
        log.lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let refused = eventually("the refusal is logged", async || {
        lines().into_iter().find(|line| line["message"] == "refused")
    })
    .await;
    assert_eq!(
        (&refused["rules"], &refused["path"], &refused["reason"]),
        (&"none".into(), &"/x".into(), &"limit".into())
    );
    assert!(refused["subject"].as_str().unwrap().starts_with(r"eve\u{a}{"), "{refused}");
}

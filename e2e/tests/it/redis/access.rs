//! Tokens, TLS, and a proxy in front.

use std::process::Command;

use super::{Redis, ask, exchange, refusal, text};
use crate::client::eventually;
use crate::hostile::said_to;
use crate::listeners::Authority;
use crate::server::{Home, OPERATOR, free_address};

const TOKEN: &str = "rk_token-of-the-tests";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_in_any_of_the_ways_of_redis() {
    let home = Home::new(super::POLICY);
    let server = Redis::start(&["--set", &format!("check_tokens={}", home.hash_of(TOKEN))]).await;
    let mut stream = server.raw().await;
    exchange(&mut stream, "PING\r\n", "-NOAUTH Authentication required.\r\n").await;
    exchange(&mut stream, "CL.THROTTLE a 1 1 1\r\n", "-NOAUTH Authentication required.\r\n").await;
    exchange(&mut stream, "HELLO 3\r\n", "-NOAUTH HELLO must be called").await;
    let mut stream = server.raw().await;
    exchange(&mut stream, "AUTH wrong\r\n", "-WRONGPASS invalid").await;
    for (line, answer) in [
        (format!("AUTH {TOKEN}\r\n"), "+OK\r\n"),
        (format!("AUTH anybody {TOKEN}\r\n"), "+OK\r\n"),
        (format!("AUTH {OPERATOR}\r\n"), "+OK\r\n"),
        (format!("HELLO 2 AUTH default {TOKEN}\r\n"), "*14\r\n"),
        (format!("HELLO 3 AUTH default {TOKEN}\r\n"), "%7\r\n"),
    ] {
        let mut stream = server.raw().await;
        exchange(&mut stream, &line, answer).await;
    }
    let mut stream = server.raw().await;
    let all = format!("AUTH {TOKEN}\r\nAUTH wrong\r\nPING\r\nRESET\r\nPING\r\n");
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    let answer = format!("+OK\r\n{wrong}+PONG\r\n+RESET\r\n-NOAUTH Authentication required.\r\n");
    exchange(&mut stream, &all, &answer).await;
    // Who has shown none may send no more than a token takes.
    for (bytes, error) in [
        ("*11\r\n", "multibulk"),
        ("*2\r\n$4\r\nAUTH\r\n$16385\r\n", "bulk"),
    ] {
        let answer = server.said_to(bytes.as_bytes()).await;
        assert_eq!(answer, format!("-ERR Protocol error: invalid {error} length\r\n"), "{bytes}");
    }
    let mut stream = server.raw().await;
    let many = format!("AUTH {TOKEN}\r\n*11\r\n{}RESET\r\n*11\r\n", "$4\r\nPING\r\n".repeat(11));
    let refused = "-ERR wrong number of arguments for 'ping' command\r\n";
    let answer = format!("+OK\r\n{refused}+RESET\r\n-ERR Protocol error: invalid multibulk length\r\n");
    exchange(&mut stream, &many, &answer).await;
    // As client libraries do it.
    let with = |secret: &str| format!("redis://:{secret}@{}/?protocol=resp3", server.address);
    let client = redis::Client::open(with(TOKEN)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    assert_eq!(ask::<String>(&mut connection, "PING").await.unwrap(), "PONG");
    let wrong = redis::Client::open(with("wrong")).unwrap();
    assert!(wrong.get_multiplexed_async_connection().await.is_err());
    assert!(server.metric("ratekeeper_redis_commands_total{command=\"auth\",outcome=\"error\"}").await >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_away_is_worth_nothing_from_then_on() {
    let home = Home::new(super::POLICY);
    let address = free_address();
    let write = |token: &str| {
        let hash = home.hash_of(token);
        home.write(
            "ratekeeper.toml",
            &format!("check_tokens = [\"{hash}\"]\n[redis]\nlisten = [\"{address}\"]\n"),
        );
    };
    write(TOKEN);
    let server = home.start(&["--config", "ratekeeper.toml"]).await;
    let client = redis::Client::open(format!("redis://:{TOKEN}@{address}")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    assert_eq!(ask::<String>(&mut connection, "PING").await.unwrap(), "PONG");
    write("another");
    server.signal("-HUP");
    eventually("the token is gone", async || ask::<String>(&mut connection, "PING").await.err()).await;
    assert!(refusal(&mut connection, "PING").await.starts_with("NOAUTH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_where_the_server_has_a_certificate() {
    let (home, authority, address) = (Home::new(super::POLICY), Authority::new(), free_address());
    home.write("ca.crt", &authority.pem());
    authority.certify(&home, "server");
    let listen = format!("redis.listen={address}");
    let arguments = [
        "--set",
        &listen,
        "--set",
        "tls.cert=server.crt",
        "--set",
        "tls.key=server.key",
    ];
    let _server = home.start_unwatched(free_address(), &arguments);
    let said = eventually("TLS is spoken", async || {
        let cli = Command::new("redis-cli")
            .args([
                "--tls",
                "--cacert",
                "ca.crt",
                "-p",
                &address.port().to_string(),
                "PING",
            ])
            .current_dir(home.path(""))
            .output()
            .unwrap();
        cli.status.success().then(|| text(&cli.stdout))
    });
    assert_eq!(said.await, "PONG\n");
    assert!(
        !text(&said_to(address, b"PING\r\n").await).contains("PONG"),
        "nothing is answered in the clear"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_protocol_is_required_where_it_is_spoken() {
    let policy = format!("client_ip: {{ trusted_proxies: [127.0.0.1] }}\n{}", super::POLICY);
    let (home, address) = (Home::new(&policy), free_address());
    let _server = home.start(&["--set", &format!("redis.proxy_protocol_listen={address}")]).await;
    let proxied = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\nPING\r\nQUIT\r\n";
    assert_eq!(text(&said_to(address, proxied).await), "+PONG\r\n+OK\r\n");
    assert_eq!(text(&said_to(address, b"PING\r\nQUIT\r\n").await), "");
}

//! Tokens, TLS, and a proxy in front.

use super::{Redis, ask, exchange, refusal};
use crate::client::eventually;
use crate::server::OPERATOR;

const TOKEN: &str = "rk_token-of-the-tests";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_in_any_of_the_ways_of_redis() {
    let home = crate::server::Home::new(super::POLICY);
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
    let home = crate::server::Home::new(super::POLICY);
    let address = crate::server::free_address();
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

//! Every command, in both versions of the protocol.

use redis::Value;

use super::{Redis, ask, exchange, refusal, text};

#[tokio::test(flavor = "multi_thread")]
async fn throttle_answers_as_redis_cell_does() {
    let server = Redis::start(&[]).await;
    for query in ["", "?protocol=resp3"] {
        let mut client = server.client(query).await.unwrap();
        let key = format!("user{query}");
        let mut throttle = async |rest: &str| {
            ask::<Vec<i64>>(&mut client, &format!("CL.THROTTLE {key} {rest}")).await.unwrap()
        };
        assert_eq!(throttle("2 1 3600").await, [0, 3, 2, -1, 3600]);
        assert_eq!(throttle("2 1 3600 0").await, [0, 3, 2, -1, 3600], "nothing is taken");
        assert_eq!(throttle("2 1 3600 4").await, [1, 3, 2, -1, 3600], "more than ever passes");
        assert_eq!(throttle("2 1 3600 2").await, [0, 3, 0, -1, 10800]);
        assert_eq!(throttle("2 1 3600").await, [1, 3, 0, 3600, 10800]);
        assert_eq!(throttle("2 1 3600 3").await, [1, 3, 0, 10800, 10800]);
    }
    // Operators see who is refused.
    let mut http = server.server.client().await;
    let top = http
        .operate(hyper::Method::GET, "/v1/top", &serde_json::Value::Null)
        .await
        .unwrap()
        .json();
    assert_eq!(top["refused_subjects"][0]["key"], serde_json::json!(["cl.throttle=user"]), "{top}");
    let mut client = server.client("").await.unwrap();
    for (rest, says) in [
        ("", "Usage: cl.throttle <key> <max_burst> <count per period> <period> [<quantity>]"),
        (" k 1 2", "Usage: cl.throttle"),
        (" k 1 2 3 4 5", "Usage: cl.throttle"),
        (" k x 30 60", "Couldn't parse as integer: x"),
        (" k 1 1.5 60", "Couldn't parse as integer: 1.5"),
        (" k 1 30 9223372036854775808", "Couldn't parse as integer: 9223372036854775808"),
        (" k 15 0 60", "Zero rates are not supported"),
        (" k 15 30 0", "Zero rates are not supported"),
        (" k -1 30 60", "max_burst: -1 is negative"),
        (" k 1 30 60 -1", "quantity: -1 is negative"),
        (" k 9223372036854775807 30 60", "burst"),
        (" k 1 30 9223372036854775807", "window"),
    ] {
        let error = refusal(&mut client, &format!("CL.THROTTLE{rest}")).await;
        assert!(error.starts_with("Cell error: Store error: ") && error.contains(says), "{rest}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_checked_for_the_subject_that_its_key_names() {
    let server = Redis::start(&[]).await;
    let mut old = server.client("").await.unwrap();
    let mut new = server.client("?protocol=resp3").await.unwrap();
    let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
    let flat: Vec<Value> = ask(&mut old, "RK.CHECK logins alice 203.0.113.7 COST 2").await.unwrap();
    assert_eq!(
        flat[..6],
        [
            bulk("allowed"),
            Value::Int(1),
            bulk("limit"),
            Value::Int(5),
            bulk("remaining"),
            Value::Int(3)
        ]
    );
    let Value::Map(map) = ask(&mut new, "rk.check logins alice 203.0.113.7 peek cost 3").await.unwrap()
    else {
        panic!("no map");
    };
    let field = |name: &str| &map.iter().find(|(key, _)| *key == bulk(name)).unwrap().1;
    assert_eq!(flat.len(), 2 * map.len());
    assert_eq!((field("allowed"), field("remaining")), (&Value::Boolean(true), &Value::Int(3)));
    assert_eq!(
        (field("rule"), field("mode"), field("denial")),
        (&bulk("logins"), &bulk("enforce"), &Value::Nil)
    );
    let all: Vec<Value> = ask(&mut old, "RK.CHECK logins alice 203.0.113.7 COST 4").await.unwrap();
    assert_eq!(all[..2], [bulk("allowed"), Value::Int(0)]);
    assert!(all.contains(&bulk("limit")), "{all:?}");
    for _ in 0..2 {
        let watched: Vec<Value> = ask(&mut old, "RK.CHECK watched bob").await.unwrap();
        assert_eq!(watched[1], Value::Int(1), "a shadow refuses nobody");
    }
    for (least, most) in [(0, 0), (1, 3_600_000)] {
        let queued: Vec<Value> = ask(&mut old, "RK.CHECK queued bob").await.unwrap();
        let place = queued.iter().position(|name| *name == bulk("delay_ms")).unwrap();
        let Value::Int(delay) = queued[place + 1] else {
            panic!("{queued:?}");
        };
        assert!(queued[1] == Value::Int(1) && (least..=most).contains(&delay), "{queued:?}");
    }
    for (address, remaining) in [("2001:db8::7", 4), ("2001:db8::7", 3), ("2001:db8:0:1::7", 4)] {
        let tier: Vec<Value> = ask(&mut old, &format!("RK.CHECK tiers {address}")).await.unwrap();
        assert_eq!(tier[5], Value::Int(remaining), "{address}");
    }
    // The same counters as over HTTP.
    let path = "/v1/keys/logins?user=alice&ip=203.0.113.7";
    let mut http = server.server.client().await;
    let counters = http.operate(hyper::Method::GET, path, &serde_json::Value::Null).await.unwrap().json();
    assert_eq!(counters["limits"][0]["remaining"], 3, "{counters}");
    for (line, says) in [
        ("RK.CHECK", "Usage: RK.CHECK rule"),
        ("RK.CHECK login alice 203.0.113.7", "did you mean 'logins'?"),
        ("RK.CHECK nothing-like-it", "it has logins, all, slots, watched, queued, tiers"),
        (
            "RK.CHECK logins alice",
            "rule 'logins' is asked with the values of user, ip, in this order",
        ),
        ("RK.CHECK logins alice 203.0.113.7 extra", "'extra' is one too many"),
        ("RK.CHECK logins alice nowhere", "ip: this is no address"),
        ("RK.CHECK tiers", "with the values of ip, in this order"),
        ("RK.CHECK all alice", "counts all requests together"),
        ("RK.CHECK all COST 0", "COST: '0' is out of range"),
        ("RK.CHECK all COST", "COST: '' is out of range"),
        ("RK.CHECK slots alice", "holds slots"),
    ] {
        let error = refusal(&mut old, line).await;
        assert!(error.starts_with("ERR ") && error.contains(says), "{line}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_send_when_they_connect_is_answered() {
    let server = Redis::start(&[]).await;
    let mut stream = server.raw().await;
    for (line, answer) in [
        ("PING\r\n", "+PONG\r\n"),
        ("ping \"a b\"\r\n", "$3\r\na b\r\n"),
        ("ECHO x\r\n", "$1\r\nx\r\n"),
        ("SELECT 0\r\n", "+OK\r\n"),
        ("SELECT 1\r\n", "-ERR DB index is out of range: there is only 0\r\n"),
        ("CLIENT GETNAME\r\n", "$-1\r\n"),
        ("CLIENT SETNAME web\r\n", "+OK\r\n"),
        (
            "CLIENT SETNAME \"a b\"\r\n",
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
        ),
        ("CLIENT GETNAME\r\n", "$3\r\nweb\r\n"),
        ("CLIENT SETINFO LIB-NAME x\r\n", "+OK\r\n"),
        ("CLIENT NO-EVICT ON\r\n", "+OK\r\n"),
        ("CLIENT KILL x\r\n", "-ERR unknown subcommand 'KILL' of CLIENT\r\n"),
        ("CLIENT\r\n", "-ERR wrong number of arguments for 'client' command\r\n"),
        ("COMMAND\r\n", "*0\r\n"),
        ("COMMAND DOCS\r\n", "*0\r\n"),
        ("COMMAND INFO get set\r\n", "*2\r\n$-1\r\n$-1\r\n"),
        ("ECHO\r\n", "-ERR wrong number of arguments for 'echo' command\r\n"),
        ("HELLO 4\r\n", "-NOPROTO unsupported protocol version\r\n"),
        ("HELLO x\r\n", "-ERR Protocol version is not an integer or out of range\r\n"),
        ("HELLO 3 AUTH x\r\n", "-ERR Syntax error in HELLO option 'AUTH'\r\n"),
        (
            "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
            "%7\r\n$6\r\nserver\r\n$10\r\nratekeeper\r\n$7\r\nversion\r\n",
        ),
    ] {
        exchange(&mut stream, line, answer).await;
    }
    for command in ["SUBSCRIBE a", "MULTI", "GET a", "EVAL x 0", "\"a\\r\\n+OK\""] {
        let mut stream = server.raw().await;
        let name = command.split(' ').next().unwrap().replace('"', "").replace('+', "\\r\\n+");
        let name = name.replace("\\r\\n\\r\\n+", "\\r\\n+");
        exchange(&mut stream, &format!("{command}\r\n"), &format!("-ERR unknown command '{name}'")).await;
    }
    let reset = server
        .said_to(b"HELLO 3 SETNAME web\r\nRESET\r\nCLIENT GETNAME\r\nQUIT\r\nPING\r\n")
        .await;
    assert!(reset.ends_with("+RESET\r\n$-1\r\n+OK\r\n"), "{reset}");
    let info = text(&crate::hostile::said_to(server.address, b"INFO\r\nQUIT\r\n").await);
    assert!(info.contains("\r\nredis_version:") && info.contains("\r\nloading:0\r\n"), "{info}");
    assert_eq!(
        server.metric("ratekeeper_redis_commands_total{command=\"reset\",outcome=\"ok\"}").await,
        1
    );
    assert_eq!(
        server
            .metric("ratekeeper_redis_commands_total{command=\"other\",outcome=\"error\"}")
            .await,
        5
    );
}

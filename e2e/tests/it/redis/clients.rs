//! Clients of others, as their users start them.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::Redis;
use crate::programs::{code, needs, python_program};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What redis-cli prints for lines that a person types.
fn redis_cli(server: &Redis, options: &[&str], lines: &str) -> String {
    let port = server.address.port().to_string();
    let mut cli = Command::new("redis-cli")
        .args(["--no-raw", "-p", &port])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    cli.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    said(&cli.wait_with_output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_cli_is_a_client() {
    let server = Redis::start(&[]).await;
    let lines = "CL.THROTTLE user123 15 30 60\nRK.CHECK all\n";
    let old = redis_cli(&server, &[], lines);
    assert!(
        old.starts_with(
            "1) (integer) 0\n2) (integer) 16\n3) (integer) 15\n4) (integer) -1\n5) (integer) 2\n"
        ),
        "{old}"
    );
    assert!(old.contains("\"remaining\"\n"), "{old}");
    let new = redis_cli(&server, &["-3"], lines);
    assert!(new.contains("\"allowed\" => (true)\n"), "{new}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_benchmark_is_a_client() {
    let server = Redis::start(&[]).await;
    let port = server.address.port().to_string();
    let bench = Command::new("redis-benchmark")
        .args(["-p", &port, "-P", "32", "-n", "20000", "-r", "100", "--csv"])
        .args(["CL.THROTTLE", "key:__rand_int__", "10", "100", "60"])
        .output()
        .unwrap();
    assert!(said(&bench).contains("CL.THROTTLE"), "{bench:?}");
    server
        .counted("ratekeeper_redis_commands_total{command=\"cl.throttle\",outcome=\"ok\"}", 20_000)
        .await;
}

/// The guide's program, as it stands there.
#[tokio::test(flavor = "multi_thread")]
async fn redis_py_is_a_client() {
    let server = Redis::start(&[]).await;
    let program = code("redis-protocol.md", "python").replace("6380", &server.address.port().to_string());
    server.home.write("ask.py", &program);
    let run = || {
        let python = Command::new(python_program("python"))
            .arg("ask.py")
            .current_dir(server.home.path(""))
            .output();
        said(&python.unwrap())
    };
    assert_eq!(run(), "allowed, 15 left\n4 left\n");
}

/// The versions of the protocol, and pipelines, as redis-py has them.
const BOTH: &str = r#"
import sys
import redis
for protocol in (2, 3):
    client = redis.Redis(port=int(sys.argv[1]), protocol=protocol, client_name="tests", decode_responses=True)
    assert client.ping()
    with client.pipeline(transaction=False) as pipeline:
        for _ in range(5):
            pipeline.execute_command("CL.THROTTLE", f"py{protocol}", 2, 1, 86400)
        limited = [answer[0] for answer in pipeline.execute()]
    assert limited == [0, 0, 0, 1, 1], limited
    try:
        client.get("x")
    except redis.ResponseError as error:
        print(error)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn redis_py_speaks_both_versions() {
    let server = Redis::start(&[]).await;
    server.home.write("both.py", BOTH);
    let python = Command::new(python_program("python"))
        .args(["both.py", &server.address.port().to_string()])
        .current_dir(server.home.path(""))
        .output();
    let text = said(&python.unwrap());
    assert_eq!(text.matches("unknown command 'GET', with args beginning with: 'x'").count(), 2, "{text}");
}

/// The guide's program for Node.js, as it stands there.
#[tokio::test(flavor = "multi_thread")]
async fn ioredis_is_a_client() {
    let server = Redis::start(&[]).await;
    let program = code("redis-protocol.md", "js").replace("6380", &server.address.port().to_string());
    server.home.write("ask.js", &program);
    let node = Command::new("node")
        .arg("ask.js")
        .current_dir(server.home.path(""))
        .env("NODE_PATH", needs().join("node/node_modules"))
        .output();
    assert_eq!(said(&node.unwrap()), "allowed, 15 left\nallowed\n");
}

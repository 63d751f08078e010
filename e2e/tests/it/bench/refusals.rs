//! What cannot be measured is said, with what would be right.

use super::{Loaded, POLICY, command, output};

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_with_what_would_be_right() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let http = format!("--url http://{}", loaded.server.address);
    let grpc = format!("--url grpc://{}", loaded.server.address);
    let redis = format!("--url redis://{}", loaded.redis);
    for (arguments, code, said) in [
        ("--url ftp://x".to_owned(), 2, "--url: it must begin with http"),
        ("--url redis://:geheim@x --limit 5/s".to_owned(), 2, "must not hold secrets"),
        (format!("{http} --rate fast"), 2, "write requests a second"),
        (format!("{http} --cost 5..1"), 2, "a range such as 1..1000"),
        (format!("{http} --duration soon"), 2, "write a span such as"),
        (format!("{http} --distribution normal"), 2, "zipf:0.99"),
        (format!("{http} --streams 2"), 2, "--streams"),
        (format!("{http} --connections 0"), 2, "must not be zero"),
        (format!("{http} --attributes {{x"), 2, "--attributes: "),
        (format!("{http} --attributes {{\"user\":\"x\"}}"), 2, "all keys would be one"),
        (format!("{http} --rule users"), 2, "--rule: this is for redis:// urls"),
        (format!("{http} --stress --exact"), 2, "cannot be used with"),
        (format!("{http} --factor 3"), 2, "--stress"),
        (
            format!("{http} --exact --attributes {{\"ip\":\"{{ip}}\"}}"),
            2,
            "there is nothing to prove",
        ),
        (grpc.clone(), 2, "--domain and --descriptor"),
        (
            format!("{grpc} --domain web --descriptor user={{key}} --exact"),
            2,
            "does not tell the limit",
        ),
        (redis.clone(), 2, "--limit '100 per minute' for CL.THROTTLE, or --rule for RK.CHECK"),
        (format!("{redis} --limit 5/s --soak"), 2, "--metrics-url"),
        (format!("{redis} --limit 5/fortnight"), 2, "unknown unit"),
        (format!("{redis} --rule nobody --key-part {{key}}"), 4, "has no rule 'nobody'"),
        (format!("{http} --attributes {{\"usr\":\"{{key}}\"}}"), 4, "unknown field `usr`"),
        (
            format!("{http} --soak --metrics-url http://{}/healthz", loaded.server.address),
            4,
            "process_resident_memory_bytes",
        ),
        ("--url http://127.0.0.1:9".to_owned(), 4, "nothing was measured"),
        (format!("--url http://{}", loaded.redis), 4, "nothing was measured"),
        (format!("{http} --token-file /nowhere/token"), 3, "/nowhere/token"),
    ] {
        let output = output(command(&arguments.split(' ').collect::<Vec<_>>())).await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {told}");
        assert!(told.contains(said) && !told.contains("geheim"), "{arguments}: {told}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_a_limit_for_the_requests_is_noted() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let url = format!("http://{}", loaded.server.address);
    let arguments = [
        "--url",
        &url,
        "--rate",
        "20",
        "--duration",
        "100ms",
        "--attributes",
        r#"{"ip":"{ip}"}"#,
    ];
    let output = output(command(&arguments)).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("note: no limit applies to these requests"),
        "{text}"
    );
    assert!(text.contains("2 due, 2 sent, 2 allowed, 0 denied, 0 without an answer"), "{text}");
}

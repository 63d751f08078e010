//! `ratekeeper bench --exact`: it proves what is exact, and sees what is not.

use serde_json::Value;

use super::{Loaded, POLICY, count, measured};

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_given_more_than_its_limit_over_any_protocol() {
    let loaded = Loaded::start(POLICY, &[]).await;
    for (protocol, keys) in loaded.protocols().iter().zip(["1", "1", "5", "5"]) {
        let mut arguments: Vec<&str> = protocol.iter().map(String::as_str).collect();
        let http = arguments[1].starts_with("http");
        arguments.extend([
            "--exact",
            "--duration",
            "1s",
            "--connections",
            "32",
            "--keys",
            keys,
            "--timeout",
            "20s",
        ]);
        if !http {
            let throttle = arguments.contains(&"1000/m");
            let limit = if throttle {
                [].as_slice()
            } else {
                &["--limit", "1000 per minute burst 50"]
            };
            arguments.extend(limit);
        }
        let (report, code) = measured(&arguments).await;
        assert_eq!(code, Some(0), "{report}");
        let exact = &report["exact"];
        assert_eq!(exact["limits_of"], if http { "server" } else { "options" });
        if http {
            assert_eq!(exact["limits"], serde_json::json!(["1000 per 1m burst 50 (token_bucket)"]));
        }
        assert_eq!((count(&exact["units"]["over"]), &exact["keys"]["over_admitted"]), (0, &0.into()));
        assert_eq!(exact["keys"]["asked"].to_string(), keys);
        let allowed = count(&exact["load"]["allowed"]);
        assert_eq!(count(&exact["units"]["admitted"]), allowed, "every request costs one");
        assert!(allowed >= 50 && allowed <= count(&exact["units"]["most"]), "{exact}");
        assert_eq!(exact["worst"], Value::Array(Vec::new()));
    }
}

/// The limit is said to be smaller than it is: a server that is not exact looks like this.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_admits_too_much_is_caught() {
    let loaded = Loaded::start(POLICY, &[]).await;
    let url = format!("http://{}", loaded.server.address);
    let shared = [
        "--exact",
        "--url",
        &url,
        "--duration",
        "500ms",
        "--connections",
        "8",
        "--cost",
        "1..3",
    ];
    let (report, code) = measured(&[&shared[..], &["--limit", "10 per hour"]].concat()).await;
    assert_eq!(code, Some(1));
    let exact = &report["exact"];
    assert_eq!(exact["keys"]["over_admitted"], 1);
    let (admitted, most) = (count(&exact["units"]["admitted"]), count(&exact["units"]["most"]));
    assert_eq!((most, count(&exact["units"]["over"])), (10, admitted - 10));
    assert_eq!(count(&exact["worst"][0]["admitted"]), admitted);
    // The server keeps the limit that it really has, in units and not in requests.
    let (_, code) = measured(&[&shared[..], &["--limit", "1000 per minute burst 50"]].concat()).await;
    assert_eq!(code, Some(0));
}

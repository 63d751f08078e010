//! Deciding by policies of many rules: `matching BY RULES WHICH TIMES`, to be run under callgrind, which counts what
//! happens in [`decide`]:
//!
//! `valgrind --tool=callgrind --toggle-collect='*decide_again*' target/release/deps/matching-… path 10000 last 1000`

#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::hint::black_box;

use ratekeeper_engine::{Engine, Request};
use ratekeeper_policy::{Attributes, Policy};

/// What tells the rules of a policy apart.
const WAYS: [&str; 9] = [
    "all",
    "path",
    "user",
    "method_path",
    "ip",
    "header",
    "descriptor",
    "entry",
    "override",
];

/// The request that meets rule `number` of a policy.
struct Asked {
    number: String,
    path: String,
    ip: String,
}

/// A policy whose rules differ in what `by` says.
fn policy(by: &str, rules: usize) -> String {
    let mut source = String::from("rules:\n");
    let limits = "limits: [ 1000000 per second burst 4000000000 ]";
    if by == "override" {
        _ = writeln!(source, "  - name: r\n    key: [ip, user]\n    {limits}\n    overrides:");
        for number in 0..rules {
            _ = writeln!(source, "      - {{ user: u{number}, {limits} }}");
        }
        return source;
    }
    for number in 0..rules {
        let meets = match by {
            "path" => format!("path: \"/service/{number}/{{*rest}}\""),
            "user" => format!("user: u{number}"),
            "method_path" => {
                let method = ["GET", "POST", "PUT", "DELETE"][number % 4];
                format!("methods: [{method}], path: \"/service/{}/{{*rest}}\"", number / 4)
            }
            "ip" => format!("ip: 10.{}.{}.0/24", number / 256, number % 256),
            "header" => format!("headers: {{ x-tenant: u{number} }}"),
            "descriptor" => format!("descriptors: {{ tenant: u{number} }}"),
            "entry" => format!("domain: d, entries: [ {{ key: tenant, value: u{number} }} ]"),
            _ => String::new(),
        };
        _ = writeln!(source, "  - {{ name: r{number}, match: {{ {meets} }}, key: [ip], {limits} }}");
    }
    source
}

impl Asked {
    fn new(by: &str, number: usize) -> Self {
        let place = if by == "method_path" { number / 4 } else { number };
        Self {
            number: format!("u{number}"),
            path: format!("/service/{place}/x"),
            ip: format!("10.{}.{}.7", number / 256 % 256, number % 256),
        }
    }
}

#[inline(never)]
fn decide_again(engine: &Engine, request: &Request<'_>, times: usize) -> usize {
    (0..times).filter(|_| engine.check_now(black_box(request)).unwrap().allowed()).count()
}

fn measure(by: &str, rules: usize, which: &str, times: usize) {
    let source = policy(by, rules);
    let policy = compile_once(&source);
    let engine = Engine::new(policy).unwrap();
    let number = match which {
        "first" => 0,
        "last" => rules - 1,
        // There is no such rule.
        _ => rules + 1,
    };
    let asked = Asked::new(by, number);
    let (headers, descriptors) =
        ([("Accept", "*/*"), ("X-Tenant", &*asked.number)], [("tenant", &*asked.number)]);
    let request = Request::new(Attributes {
        ip: Some(asked.ip.parse().unwrap()),
        user: Some(&asked.number),
        method: Some(["GET", "POST", "PUT", "DELETE"][number % 4]),
        path: Some(&asked.path),
        headers: &headers,
        domain: Some("d"),
        descriptors: &descriptors,
        ..Attributes::default()
    });
    let met = engine.check_now(&request).unwrap().limits.len();
    assert_eq!(
        met,
        usize::from(which != "none" || matches!(by, "all" | "override")),
        "{by} {rules} {which}"
    );
    assert_eq!(decide_again(&engine, &request, times), times);
}

#[inline(never)]
fn compile_once(source: &str) -> Policy {
    Policy::parse(source, "bench.yaml", &|_| None).unwrap()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments[..] {
        [by, rules, which, times] => measure(by, rules.parse().unwrap(), which, times.parse().unwrap()),
        _ => WAYS.iter().for_each(|by| measure(by, 1, "first", 1)),
    }
}

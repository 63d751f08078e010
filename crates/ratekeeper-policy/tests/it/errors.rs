//! Errors: where, what, and what would be right; all at once.

use ratekeeper_policy::Policy;

use crate::{environment, errors, rule};

#[test]
fn several_at_once_in_the_order_of_the_file() {
    let source = "\
stores:
  default: { type: memory, max_key: 5 }
rules:
  - name: login now
    limit: [ 5 per minute ]
    mode: enforcing
  - limits: [ 100 per fortnight, 5/s, { rate: 5/s, burst: -1 } ]
    match: { methods: [], path: api }
";
    let expected = "\
p.yaml:2:28: stores.default.max_key: unknown field \"max_key\"; did you mean max_keys?
p.yaml:4:5: rules[0]: the field limits is missing; how much passes, 1 to 16 limits such as \"100 per minute burst 20\"
p.yaml:4:11: rules[0].name: \"login now\": this is no name; write 1 to 64 of A-Z a-z 0-9 . _ -
p.yaml:5:5: rules[0].limit: unknown field \"limit\"; did you mean limits?
p.yaml:6:11: rules[0].mode: \"enforcing\": this is not one of the words for it; write enforce, shadow, quota or off
p.yaml:7:5: rules[1]: the field name is missing; the name, unique in the policy: 1 to 64 of A-Z a-z 0-9 . _ -
p.yaml:7:15: rules[1].limits[0]: \"100 per fortnight\": unknown unit \"fortnight\"; use ms, s, minute, hour, day, week, or month and year with (calendar)
p.yaml:7:59: rules[1].limits[2].burst: \"-1\": numbers cannot be negative; write a whole number from 1 on
p.yaml:8:23: rules[1].match.methods: the list is empty; give it an item, or remove the field
p.yaml:8:33: rules[1].match.path: \"api\": this is no path; a pattern begins with a slash, such as /users/{id}";
    assert_eq!(errors(source), expected);
}

#[test]
fn each_error_has_a_message_of_its_own() {
    let cases = [
        ("key: usr", "\"usr\": unknown key part; did you mean user?"),
        ("key: [ip, global]", "rules[0].key[1]: \"global\": global stands beside other parts"),
        ("key: [ip, ip]", "rules[0].key[1]: ip is in the key twice"),
        ("key: ip/24", "this prefix is not clear"),
        ("key: header", "a name is missing; write header:NAME"),
        ("key: { header: a, descriptor: b }", "this part has 2 sources"),
        ("key:", "rules[0].key: there is no value; write a key part"),
        ("store: shard", "rules[0].store: there is no store \"shard\"; the stores are \"default\""),
        ("cost: { reports: 1 }", "\"reports\": this is no path"),
        ("cost: -1", "numbers cannot be negative; write a whole number from 0 on"),
        ("cost: { default: -1 }", "numbers cannot be negative; write a whole number from 0 on"),
        (
            "cost: 1.5",
            "1.5 is no whole number; write a whole number, such as 2; for finer steps multiply",
        ),
        ("cost: lots", "lots is no whole number; write a whole number, such as 100 or 1_000"),
        ("cost: [1]", "a list stands here; write a whole number, or routes and numbers such as {"),
        ("match: { not: x }", "unknown field \"not\"; the fields here are methods, path"),
        ("overrides: [ { user: a } ]", "the field limits is missing; the limits that count"),
        ("cost: 18446744073709551616", "is too large"),
        ("rollout: 101%", "101% is no percentage"),
        (
            "rollout: { percent: 5, arms: [ { name: a, percent: 6, limits: 1/s } ] }",
            "the arms hold more subjects",
        ),
        ("local_share: 5/4", "\"5/4\" is no share"),
        ("overrides: [ { limits: 1/s } ]", "rules[0].overrides[0]: this is about nobody"),
        ("overrides: [ { user: a, limits: [] } ]", "0 limits; a rule has 1 to 16"),
        ("match: { path: [/a, \"/b/*/{*c}/d\"] }", "rules[0].match.path[1]: "),
        (
            "match: { headers: { \"a b\": x } }",
            "rules[0].match.headers[\"a b\"]: \"a b\" is no name of a header",
        ),
        ("match: { host: https://x }", "is no host; write a host such as example.com"),
        (
            "match: { method: GET, methods: PUT }",
            "this is another name of methods, which is given too",
        ),
        ("match: { ip: 10.0.0.1/8 }", "write 10.0.0.0/8 for the network"),
        (
            "match: [1]",
            "rules[0].match: no mapping stands here; write a mapping with any of methods",
        ),
        ("missing: drop", "write skip, shared or deny"),
        ("description: ${NOPE}", "the environment variable NOPE is not set"),
    ];
    for (line, message) in cases {
        let found = errors(&rule(line));
        assert!(found.contains(message) && found.lines().count() == 1, "{line}: {found}");
    }
}

#[test]
fn what_is_missing_or_wrong_hides_nothing_else() {
    let source = "\
stores: { known: { type: memory, max_keys: none } }
lists:
  deny: [ { user: a, until: soon }, { reason: x }, somebody ]
rules:
  - name: a
    cost: { \"x\": 1 }
    store: nowhere
    match: { headers: { \"a b\": x } }
  - { limits: 5/s, cost: 9, store: known, mode: never }
  - { limits: 5/s, overrides: [ { limits: 1/s }, { user: a } ] }
  - { name: a, limits: 1/s }";
    let found = errors(source);
    let at: Vec<&str> = found.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    let expected = [
        "stores.known.max_keys",
        "lists.deny[0].until",
        "lists.deny[1]",
        "lists.deny[2]",
        "rules[0]",
        "rules[0].cost.x",
        "rules[0].store",
        "rules[0].match.headers[\"a b\"]",
        "rules[1]",
        "rules[1].mode",
        "rules[2]",
        "rules[2].overrides[0]",
        "rules[2].overrides[1]",
        "rules[3].name",
    ];
    assert_eq!(at, expected, "{found}");
    assert!(
        found.contains("\"somebody\": this is neither an address nor a network; write one such as 192.0.2.7")
    );
}

#[test]
fn a_cost_that_can_never_pass_is_a_warning() {
    let warnings = |limits: &str, rest: &str| {
        let policy = crate::policy(&format!("rules:\n  - name: r\n    limits: {limits}\n    cost: {rest}\n"));
        policy.warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        warnings("[100 per minute, 5 per second burst 20]", "21"),
        [
            "policy.yaml:4:11: rules[0].cost: a cost of 21 can never pass the limit 5 per 1s burst 20 (token_bucket): such \
          requests are always refused; write at most 20, or raise its burst"
        ]
    );
    let found = warnings("3 per day (fixed_window)", "{ /a: 3, /b: 4, default: 5 }");
    assert_eq!(found.len(), 2);
    assert!(
        found[0].starts_with("policy.yaml:4:24: rules[0].cost[\"/b\"]: a cost of 4 can never"),
        "{found:?}"
    );
    assert!(found[1].ends_with("write at most 3, or raise the limit"), "{found:?}");
    for limit in [
        "5/s",
        "5/s (sliding_window)",
        "5 concurrent ttl 9s",
        "5 per day (calendar)",
        "9/s burst 5",
    ] {
        assert_eq!(warnings(limit, "5").len(), 0, "{limit}");
        assert_eq!(warnings(limit, "6").len(), 1, "{limit}");
    }
}

#[test]
fn syntax_errors_help_with_what_they_are_about() {
    let quotes = "put text that has any of { } [ ] , : * & % @ in quotes";
    let escape = "in \"…\" a backslash begins an escape: write two, or use '…'";
    for (source, help) in [
        (format!("rules: {}", "[".repeat(10_000)), "nest deeper than 64; no policy needs that"),
        ("rules: [[[[".to_owned(), "; the end is reached: close every [ and {"),
        ("rules: {a: b".to_owned(), "; the end is reached: close every [ and {"),
        ("rules: [ { name: \"a, limits: [ 1/s ] } ]".to_owned(), "1:18: "),
        (
            "rules: [ { name: \"a, limits: [ 1/s ] } ]".to_owned(),
            "; close the quote that begins here",
        ),
        ("rules:\n  - name: 'a\n    limits: 1/s".to_owned(), "; close the quote that begins here"),
        ("rules: \"\\q\"".to_owned(), escape),
        ("rules: 'it's {x}'".to_owned(), "; the text in quotes ends before this"),
        ("rules:\n\t- a".to_owned(), "; indent with spaces, not with tabs"),
        ("rules: |x".to_owned(), "; put text that begins with | or > in quotes"),
        ("rules:\n - match: { path: /a/{b}/c }".to_owned(), quotes),
        ("rules: @x".to_owned(), quotes),
        ("rules: a: b".to_owned(), quotes),
    ] {
        let found = errors(&source);
        assert!(found.contains(help) && found.lines().count() == 1, "{source:.60}: {found}");
    }
}

#[test]
fn limits_are_blamed_at_the_right_field() {
    let limits = |text: &str| errors(&format!("rules:\n  - name: r\n    limits: {text}\n"));
    assert_eq!(
        limits("[ { rate: 5/s, algorithm: fixed_window, burst: 9 } ]"),
        "p.yaml:3:60: rules[0].limits[0].burst: \"9\": fixed_window has no burst; remove it, or use token_bucket or leaky_bucket"
    );
    assert!(
        limits("{ rate: 1 per day, algorithm: calendar, zone: Mars }")
            .contains("rules[0].limits.zone: \"Mars\": time zone")
    );
    assert!(limits("{ rate: 5/s burst 3, burst: 4 }").contains("limits.burst: the rate says otherwise"));
    assert!(limits("{ burst: 4 }").contains("exactly one of rate and concurrency"));
    assert!(
        limits("[5/s max_delay 1s, 9/s max_delay 1s]")
            .contains("2 limits with max_delay; a rule has at most one")
    );
    assert_eq!(
        limits("[ 1000 per day (calendar, Europe/Paris) ]"),
        "p.yaml:3:15: rules[0].limits[0]: \"1000 per day (calendar\": YAML has split this limit at its comma; put it in quotes: \"1000 per day (calendar, Europe/Paris)\""
    );
    assert_eq!(
        limits("[ 5 per second (leaky_bucket, max_delay: 2s) ]"),
        "p.yaml:3:15: rules[0].limits[0]: \"5 per second (leaky_bucket\": YAML has split this limit at its comma; put it in quotes: \"5 per second (leaky_bucket, max_delay: 2s)\""
    );
    assert!(
        limits("[ 5 per second brust: 2 ]")
            .contains("\"5 per second brust: 2\": unexpected \"brust\"; did you mean burst?")
    );
    assert!(limits(&format!("[{}]", vec!["1/s"; 17].join(","))).contains("17 limits; a rule has 1 to 16"));
}

#[test]
fn the_rest_of_the_file() {
    let cases = [
        ("", "p.yaml:1:1: the policy is empty; a policy has at least a list of `rules`"),
        ("rules:", "p.yaml:1:6: rules: nothing stands here; write a list"),
        ("{}", "p.yaml:1:1: the field rules is missing"),
        ("- a", "p.yaml:1:1: no mapping stands here; write a mapping with rules"),
        ("rules: []\nrules: []", "p.yaml:2:1: \"rules\" is given twice in one mapping"),
        ("rules: [", "p.yaml:"),
        ("rules: []\nx: &a 1", "p.yaml:2:4: anchors (&name) are not supported"),
        (
            "stores: { s: { type: redis } }\nrules: []",
            "stores.s: the field url is missing; say where it is",
        ),
        (
            "stores: { s: { type: memory, url: x } }\nrules: []",
            "p.yaml:1:30: stores.s.url: a store of type memory has no url",
        ),
        (
            "stores: { s: { type: redis, url: x, max_keys: 1 } }\nrules: []",
            "a store of type redis has no max_keys",
        ),
        (
            "stores: { s: { type: postgres, url: \"redis://:hunter2@db\" } }\nrules: []",
            "stores.s.url: this is the url of a store of type redis, and the type is postgres; correct the url",
        ),
        (
            "stores: { s: \"ftp://db\" }\nrules: []",
            "stores.s: the url does not say which store this is",
        ),
        ("stores: { s: { deadline: 1s } }\nrules: []", "stores.s: the field type is missing"),
        (
            "stores: { s: { type: memory, coalesce: false } }\nrules: []",
            "stores.s.coalesce: a store of type memory has no coalesce",
        ),
        ("stores: { s: { type: reddis, url: x } }\nrules: []", "did you mean redis?"),
        (
            "stores: { s: { type: redis, url: \"${PASSWORD}\" } }\nrules: []",
            "stores.s.url: the environment variable PASSWORD is not set",
        ),
        ("stores: { s: { type: redis, url: x, deadline: 0s } }\nrules: []", "out of range"),
        (
            "client_ip: { ipv6_prefix: 129 }\nrules: []",
            "129 is out of range; write a number from 1 to 128",
        ),
        ("client_ip: { hops: 0 }\nrules: []", "0 is out of range"),
        ("lists: { deny: [ { reason: x } ] }\nrules: []", "lists.deny[0]: this is about nobody"),
        (
            "lists: { deny: [ { user: a, until: soon } ] }\nrules: []",
            "this is no instant; write it as RFC 3339",
        ),
        (
            "rules: [ { name: a, limits: 1/s }, { name: a, limits: 1/s } ]",
            "rules[1].name: \"a\" is the name of another rule",
        ),
        ("rules: [ { name: a, match: { path: /a/{b} }, limits: 1/s } ]", "p.yaml:1:"),
    ];
    for (source, message) in cases {
        let found = errors(source);
        assert!(found.contains(message), "{source}: {found}");
    }
}

#[test]
fn secrets_and_terminals_are_safe() {
    let found = errors(&rule("description: \"x${REDIS_URL}${NOPE}\"\nmode: \"\\e[31m\\nhunter\""));
    assert!(!found.contains("hunter2") && !found.contains('\u{1b}'), "{found}");
    assert_eq!(found.lines().count(), 2, "{found}");
    let found = Policy::parse("\u{1b}", "a\u{1b}\nb", &environment).unwrap_err().to_string();
    assert_eq!(
        found,
        "a\\u{1b}\\nb:1:1: control character U+001B; remove it, or write it as \"\\x..\" in quotes"
    );
    assert_eq!(
        Policy::from_bytes(b"rules:\n  \xc3\xa9\xff", "p", &environment).unwrap_err().to_string(),
        "p:2:4: the byte 0xff is no UTF-8; save the policy as UTF-8"
    );
}

#[test]
fn at_most_fifty() {
    let source = format!("rules: []\n{}", (0..60).map(|n| format!("x{n}: 1\n")).collect::<String>());
    let found = Policy::parse(&source, "p", &environment).unwrap_err();
    assert_eq!((found.errors().len(), found.more()), (50, 10));
    assert!(found.to_string().ends_with("\nand 10 more"));
}

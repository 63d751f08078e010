use crate::{Format, LineError, Record, parse_line};

fn parse(line: &str) -> Record<'_> {
    parse_line(line.as_bytes(), Format::Auto).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn brief(record: &Record<'_>) -> String {
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
    format!(
        "{} {} {} {} {} {} {}",
        record.time.as_micros(),
        record.ip.map_or_else(|| text(&record.client_name), |ip| ip.to_string()),
        text(&record.user),
        text(&record.method),
        text(&record.path),
        text(&record.host),
        record.status.unwrap_or_default(),
    )
}

#[test]
fn default_logs_of_common_servers() {
    let cases = [
        // Caddy
        (
            r#"{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"127.0.0.1","remote_port":"41342","client_ip":"192.0.2.9","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/a?b","headers":{"User-Agent":["curl/7.82.0"],"Accept":["*/*","x"]},"tls":{"resumed":false}},"bytes_read":0,"user_id":"","duration":0.000929675,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"]}}"#,
            "1646861401524102 192.0.2.9 - GET /a localhost 200",
            Some("curl/7.82.0"),
        ),
        // Traefik
        (
            r#"{"ClientAddr":"10.0.0.1:49542","ClientHost":"10.0.0.1","ClientPort":"49542","ClientUsername":"-","DownstreamContentSize":3,"DownstreamStatus":404,"Duration":79870,"RequestAddr":"h.example","RequestCount":1,"RequestHost":"h.example","RequestMethod":"POST","RequestPath":"/x/y?z=1","RequestPort":"-","RequestProtocol":"HTTP/1.1","RequestScheme":"http","StartLocal":"2021-06-10T12:00:00.5+02:00","StartUTC":"2021-06-10T10:00:00.5Z","level":"info","msg":"","request_User-Agent":"curl/8","time":"2021-06-10T10:00:01Z"}"#,
            "1623319201000000 10.0.0.1 - POST /x/y h.example 404",
            Some("curl/8"),
        ),
        // nginx, escape=json
        (
            r#"{"time_local":"17/May/2015:10:05:03 +0000","remote_addr":"::1","remote_user":"ann","request":"GET /a?b HTTP/1.1","status": "200","body_bytes_sent":"612","request_time":"0.003","http_referer":"","http_user_agent":"Mozilla \"x\"","http_host":"h:80"}"#,
            "1431857103000000 ::1 ann GET /a h:80 200",
            Some("Mozilla \"x\""),
        ),
        (
            r#"{"msec":"1431857103.123","remote_addr":"192.0.2.1","request_method":"GET","request_uri":"/q?x","server_name":"s"}"#,
            "1431857103123000 192.0.2.1 - GET /q s 0",
            None,
        ),
        // Google Cloud
        (
            r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://h.example/p/q?r","status":301,"userAgent":"ua","remoteIp":"2001:db8::5","latency":"0.1s"},"timestamp":"2022-01-02T03:04:05.678901234Z","severity":"INFO"}"#,
            "1641092645678901 2001:db8::5 - GET /p/q h.example 301",
            Some("ua"),
        ),
        // Elastic
        (
            r#"{"@timestamp":"2022-01-02T03:04:05.000Z","http":{"request":{"method":"PUT"},"response":{"status_code":201}},"url":{"path":"/e","domain":"d"},"source":{"ip":"192.0.2.3"}}"#,
            "1641092645000000 192.0.2.3 - PUT /e d 0",
            None,
        ),
    ];
    for (line, expected, agent) in cases {
        let record = parse(line);
        assert_eq!(brief(&record), expected);
        assert_eq!(record.header("user-agent"), agent, "{line}");
    }
}

#[test]
fn names_are_preferred_in_order_and_absent_values_skipped() {
    let cases = [
        (r#"{"ts":1,"remote_addr":"192.0.2.1","ip":"192.0.2.2"}"#, "1000000 192.0.2.2 - - - - 0"),
        (
            r#"{"ts":1,"ip":"-","client_ip":"","remote_addr":"192.0.2.1:80"}"#,
            "1000000 192.0.2.1 - - - - 0",
        ),
        (r#"{"ts":1,"ip":null,"client":"pc.example"}"#, "1000000 pc.example - - - - 0"),
        (r#"{"ts":1,"client":"app","src_ip":"[::1]:5"}"#, "1000000 ::1 - - - - 0"),
        (r#"{"ts":1,"user":42}"#, "1000000 - 42 - - - 0"),
        (r#"{"ts":1,"path":"/late","path":"/last"}"#, "1000000 - - - /last - 0"),
        (r#"{"request":{"path":"/in"},"ts":1,"uri":"/out"}"#, "1000000 - - - /out - 0"),
        (r#"{"time_ms":1500,"path":"/"}"#, "1500000 - - - / - 0"),
        (r#"{"time_us":1500,"path":"/"}"#, "1500 - - - / - 0"),
        (r#"{"time":"soon","ts":"2","path":"/"}"#, "2000000 - - - / - 0"),
        (r#"{"clientIp":"192.0.2.1","Time":3,"HTTPMethod":"GET"}"#, "3000000 192.0.2.1 - GET - - 0"),
        (r#"{"ts":1,"ip":"::1","request":"\u0016\u0003","status":"ok"}"#, "1000000 ::1 - - - - 0"),
        (
            r#"{"ts":1,"ip":"::1","url":"http://u:p@h/p?q","status":"ok","status_code":200}"#,
            "1000000 ::1 - - /p h 200",
        ),
        (r#"{"ts":1,"user":"\ud800x"}"#, "1000000 - \u{fffd}\u{fffd}\u{fffd}x - - - 0"),
    ];
    for (line, expected) in cases {
        assert_eq!(brief(&parse(line)), expected, "{line}");
    }
}

#[test]
fn headers_descriptors_and_cost() {
    let record = parse(
        r#"{"ts":1,"headers":{"X-Api-Key":"k","Accept":["a","b"],"Host":"h","Bad":{"x":1}},"user_agent":"ua","descriptors":{"tenant":"t\n","size":10,"list":[1]},"cost":7,"route":"/users/{id}"}"#,
    );
    let headers: Vec<_> =
        record.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    assert_eq!(
        headers,
        [
            ("x-api-key", "k"),
            ("accept", "a"),
            ("accept", "b"),
            ("host", "h"),
            ("user-agent", "ua")
        ]
    );
    let descriptors: Vec<_> = record.descriptors.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(descriptors, [("tenant", "t\n"), ("size", "10")]);
    assert_eq!((record.cost, record.route.as_deref()), (Some(7), Some("/users/{id}")));
    assert_eq!(record.host.as_deref(), Some("h"));
    assert_eq!(parse(r#"{"ts":1,"path":"/","cost":0.5}"#).cost, None);
}

#[test]
fn bad_lines_say_what_is_wrong() {
    let cases = [
        ("{", "invalid JSON at column"),
        (r#"{"ts":1,"path":"/"} x"#, "trailing characters"),
        (r#"{"ts":1,"path":"/""#, "EOF while parsing"),
        (r#"{"ts":01}"#, "invalid number"),
        (r#"{"path":"/"}"#, "has no time"),
        (r#"{"ts":1,"level":"info"}"#, "has no client, user or path"),
        (r#"{"ts":"noon","path":"/"}"#, "bad time `noon`"),
        (r#"{"ts":-5,"path":"/"}"#, "before 1970"),
    ];
    for (line, part) in cases {
        let message = parse_line(line.as_bytes(), Format::Auto).unwrap_err().to_string();
        assert!(message.contains(part), "{line}: {message}");
        assert!(!message.contains(" at line "), "{message}");
    }
    for line in ["[1]", "x", "1"] {
        let error = parse_line(line.as_bytes(), Format::Json).unwrap_err();
        assert!(matches!(error, LineError::NotAnObject { .. }), "{line}");
    }
}

#[test]
fn bytes_that_are_not_utf8_harm_only_their_field() {
    let record = parse_line(b"{\"ts\":1,\"path\":\"/a\",\"user\":\"\xff!\"}", Format::Auto).unwrap();
    assert_eq!((record.path.as_deref(), record.user.as_deref()), (Some("/a"), Some("\u{fffd}!")));
}

#[test]
fn depth_costs_no_stack() {
    const DEEP: usize = 200_000;
    for (open, close) in [("[", "]"), ("{\"request\":", "}"), ("{\"headers\":", "}")] {
        let deep = format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
        for name in ["x", "request", "headers", "descriptors", "time"] {
            let line = format!(r#"{{"ts":1,"path":"/","{name}":{deep}}}"#);
            assert_eq!(parse(&line).path.as_deref(), Some("/"), "{name}");
        }
        assert!(parse_line(open.repeat(DEEP).as_bytes(), Format::Json).is_err());
    }
}

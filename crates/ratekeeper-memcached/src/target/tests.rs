use super::*;

fn tcp_nodes(url: &str) -> Vec<String> {
    Target::parse(url).unwrap().nodes.iter().map(ToString::to_string).collect()
}

#[test]
fn urls_name_nodes_and_say_how_they_are_asked() {
    assert_eq!(tcp_nodes("memcached://localhost"), ["localhost:11211"]);
    assert_eq!(
        tcp_nodes("memcached://A.example,b:1,[::1]:2,[::2]/"),
        ["a.example:11211", "b:1", "[::1]:2", "[::2]:11211"]
    );
    let target = Target::parse("memcached://a:1/?prefix=rk%3A&timeout=250ms&skew=2s").unwrap();
    assert_eq!(target.prefix, "rk:");
    assert_eq!(target.timeout, Duration::from_millis(250));
    assert_eq!(target.skew, Micros::from_secs(2));
    assert_eq!(target.login, None);
    let target = Target::parse("memcached+unix:///run/memcached%20a.sock?prefix=").unwrap();
    assert_eq!(target.nodes, [Address::Unix("/run/memcached a.sock".to_owned())]);
    assert_eq!((target.prefix.as_str(), target.timeout), ("", Duration::from_secs(1)));
}

#[test]
fn a_login_is_read_and_never_shown() {
    let target = Target::parse("memcached://limits:p%40ss%2Fw@a:1,b:2").unwrap();
    assert_eq!(target.login, Login::new("limits", "p@ss/w"));
    assert!(!format!("{target:?}").contains("p@ss"));
    let target = Target::parse("memcached+unix://limits:pass@/run/m.sock").unwrap();
    assert_eq!(target.login, Login::new("limits", "pass"));
    for url in [
        "memcached://user:s3cret%20x@a",
        "memcached://s3cret@a",
        "memcached://u:s3cret%zz@a",
        "memcached://u:s3cret@a:0",
        "memcached://u:s3cret@a?x=1",
        "redis://u:s3cret@a",
    ] {
        let error = Target::parse(url).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_url_is_said() {
    for (url, told) in [
        ("", "must begin with memcached://"),
        ("redis://a", "must begin with memcached://"),
        ("memcached://", "is no node"),
        ("memcached://a:b", "node 1 is no node"),
        ("memcached://a:70000", "is no node"),
        ("memcached://a:0", "is no node"),
        ("memcached://a,,b", "node 2 is no node"),
        ("memcached://limits:hunter2", "node 1 is no node"),
        ("memcached://limits:hunt?er2@a", "node 1 is no node"),
        ("memcached://a?er2@b", "write %3F"),
        ("memcached://::1:11211", "is no node"),
        ("memcached://[::1", "is no node"),
        ("memcached://a b", "is no node"),
        ("memcached://a/path", "is no node"),
        ("memcached://a,b,A:11211", "a:11211 is named twice"),
        ("memcached+unix://run/m.sock", "is no socket"),
        ("memcached://a?prefix=a%20b", "prefix has at most 64"),
        ("memcached://a?prefix=%0D%0Aflush_all", "prefix has at most 64"),
        ("memcached://a?timeout=1", "timeout is between"),
        ("memcached://a?timeout=0s", "timeout is between"),
        ("memcached://a?timeout=61s", "timeout is between"),
        ("memcached://a?skew=2h", "skew is between"),
        (
            "memcached://a?tls=yes",
            "there is no parameter \"tls\"; there are prefix, timeout and skew",
        ),
        ("memcached://a?skew=1s&skew=2s", "skew is given twice"),
        ("memcached://a?prefix=%f", "two hexadecimal digits"),
    ] {
        let error = Target::parse(url).unwrap_err();
        assert!(matches!(error, StoreError::Misconfigured { .. }));
        assert!(error.to_string().contains(told), "{url}: {error}");
    }
    let many: Vec<_> = (0..257).map(|node| format!("a{node}")).collect();
    assert!(Target::parse(&format!("memcached://{}", many.join(","))).is_err());
}

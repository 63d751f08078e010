//! Servers that are set up in some special way, and what is said of them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use ratekeeper_core::{Ask, Entries, Entry, Holder, Key, Limit, MAX_SPAN, Micros, Op, State, Stored};
use ratekeeper_memcached::MemcachedStore;
use ratekeeper_store::{
    Batch, Check, Clock as _, Severity, Store as _, StoreError, StoreExt as _, SystemClock, codec,
};
use testservers::Memcached;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixListener};

use crate::runtime::{runtime, store, take, url};
use crate::servers::{put, stat};

fn bucket() -> Limit {
    Limit::token_bucket(100, MAX_SPAN).unwrap()
}

/// What `examine` finds.
fn findings(store: &MemcachedStore) -> Vec<(Severity, String)> {
    let examination = runtime().block_on(store.examine()).unwrap();
    assert_eq!(examination.time, None, "the clocks of the clients decide");
    examination.findings.into_iter().map(|finding| (finding.severity, finding.what)).collect()
}

#[test]
fn a_node_that_is_well_has_no_findings() {
    let node = Memcached::start();
    let store = store(&url(&[&node]));
    assert_eq!(findings(&store), []);
    let servers = runtime().block_on(store.examine()).unwrap().servers;
    assert!(servers[0].starts_with("memcached 1.") && servers[0].ends_with(&node.address().to_string()));
}

#[test]
fn a_node_that_is_down_is_a_problem() {
    let (node, down) = (Memcached::start(), testservers::free_address());
    let store = store(&format!("{},{down}", url(&[&node])));
    let found = findings(&store);
    assert_eq!(found.len(), 1);
    assert!(found[0].0 == Severity::Problem && found[0].1.contains(&down.to_string()), "{found:?}");
}

#[test]
fn a_small_node_evicts_counters_and_says_so() {
    let node = Memcached::with(&["-m", "2", "-I", "512k"]);
    let store = store(&url(&[&node]));
    let limit = bucket();
    for round in 0..500 {
        let keys: Vec<_> = (0..100).map(|key| format!("{key:0100}/{round}")).collect();
        let takes = keys.iter().map(|key| store.take(Key::new(key.as_bytes()).unwrap(), &limit, 1));
        for answer in runtime().block_on(futures_util::future::join_all(takes)) {
            answer.unwrap();
        }
        if stat(&node, "evictions") > 0 {
            break;
        }
    }
    assert_eq!(
        take(&store, format!("{:0100}/0", 0).as_bytes(), &limit).unwrap().remaining,
        99,
        "forgotten"
    );
    let found: Vec<_> = findings(&store).into_iter().map(|(_, what)| what).collect();
    for told in ["were evicted", "2 MB", "524288 bytes"] {
        assert!(found.iter().any(|what| what.contains(told)), "{found:?}");
    }
}

#[test]
fn a_node_that_may_not_evict_says_that_it_is_full() {
    let node = Memcached::with(&["-m", "2", "-M", "-I", "512k"]);
    let store = store(&url(&[&node]));
    let (limit, window) = (bucket(), Limit::fixed_window(5, MAX_SPAN).unwrap());
    let full = (0..100_000).find_map(|key| take(&store, format!("{key:0100}").as_bytes(), &limit).err());
    let full = full.unwrap();
    assert!(full.is_retryable() && full.to_string().contains("-m"), "{full}");
    let full = (0..100_000).find_map(|key| take(&store, format!("{key:0100}").as_bytes(), &window).err());
    assert!(full.unwrap().to_string().contains("ut of memory"));
}

/// Puts a state with so many holders into a server.
fn put_holders(node: &Memcached, limit: &Limit, count: u64) {
    let expiry = SystemClock::new().now().as_micros() + Micros::HOUR.get();
    let holder = |number| Entry { expiry, count: 1, holder: Holder::new(u128::from(number + 1)) };
    let state = State::Entries(Box::new(Entries::from_parts((0..count).map(holder))));
    let mut value = Vec::new();
    codec::write(&Stored { tag: limit.tag(), state }, &mut value);
    put(node, "ratekeeper:s:holders", &value);
}

#[test]
fn a_state_beyond_the_largest_item_is_refused() {
    let (small, large) = (Memcached::with(&["-m", "64", "-I", "512k"]), Memcached::start());
    let limit = Limit::concurrency(100_000, Micros::HOUR).unwrap();
    let key = Key::new(b"holders").unwrap();
    let hold = |store: &MemcachedStore, count: u128| {
        let mut batch = Batch::new();
        for number in 0..count {
            batch.push_by(Op::Take, Holder::new(1 << 100 | number), [Check::new(key, &limit, 1)]);
        }
        runtime().block_on(store.apply(&mut batch).wait())
    };
    put_holders(&small, &limit, 16_000);
    let small = store(&url(&[&small]));
    let left = |store: &MemcachedStore| {
        runtime().block_on(store.ask(key, &limit, &Ask::new(Op::Peek, 0))).unwrap().remaining
    };
    let refused = hold(&small, 500).unwrap_err();
    assert_eq!(refused, StoreError::TooLarge { bytes: 17 + 16_500 * 32, max_bytes: (512 << 10) - 1024 });
    assert_eq!(left(&small), 84_000, "the server has not forgotten the counter");
    put_holders(&large, &limit, 31_248);
    let store = store(&url(&[&large]));
    hold(&store, 1).unwrap();
    let refused = hold(&store, 2).unwrap_err();
    assert_eq!(refused, StoreError::TooLarge { bytes: 17 + 31_250 * 32, max_bytes: 1_000_000 });
    assert_eq!(left(&store), 100_000 - 31_249, "nothing was written");
}

#[test]
fn a_node_without_compare_and_swap_is_refused() {
    let node = Memcached::with(&["-C"]);
    let store = store(&url(&[&node]));
    let answers: Vec<_> = (0..2).map(|_| take(&store, b"a", &bucket())).collect();
    assert!(matches!(answers[1], Err(StoreError::Misconfigured { .. })), "{answers:?}");
    assert!(
        findings(&store)
            .iter()
            .any(|(severity, what)| *severity == Severity::Problem && what.contains("swap"))
    );
}

#[test]
fn items_of_others_are_left_alone() {
    let node = Memcached::start();
    let store = store(&format!("{}?prefix=app:", url(&[&node])));
    assert_eq!(node.command("set app:s:a 0 0 5\r\nhello"), "STORED");
    let error = take(&store, b"a", &bucket()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Misconfigured { reason } if reason.contains("app:s:a")),
        "{error}"
    );
    assert_eq!(node.command("mg app:s:a v"), "VA 5");
}

#[test]
fn a_prefix_keeps_stores_apart() {
    let node = Memcached::start();
    let [one, other] = ["a:", "b:"].map(|prefix| store(&format!("{}?prefix={prefix}", url(&[&node]))));
    for limit in [bucket(), Limit::fixed_window(100, MAX_SPAN).unwrap()] {
        assert_eq!(take(&one, b"x", &limit).unwrap().remaining, 99);
        assert_eq!(take(&other, b"x", &limit).unwrap().remaining, 99);
    }
}

#[test]
fn counters_are_forgotten_when_they_count_no_more_and_no_sooner() {
    let node = Memcached::start();
    let store = store(&format!("{}?prefix=t:&skew=3s", url(&[&node])));
    let left = |key: &str| -> u64 {
        let answer = node.command(&format!("mg t:s:{key} t"));
        answer.strip_prefix("HD t").unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
    };
    for (key, count, window) in [
        ("short", 1, 10),
        ("month", 1, 29 * 86_400),
        ("year", 1, 365 * 86_400),
    ] {
        take(&store, key.as_bytes(), &Limit::token_bucket(count, Micros::from_secs(window)).unwrap())
            .unwrap();
        assert!((window..window + 6).contains(&left(key)), "{key}: {} s", left(key));
    }
}

#[test]
fn a_login_opens_a_node_that_asks_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users");
    std::fs::write(&file, "limits:s3cret\n").unwrap();
    // The server is another user.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let node = Memcached::with(&["-Y", file.to_str().unwrap()]);
    let address = node.address();
    let good = store(&format!("memcached://limits:s3cret@{address}"));
    assert_eq!(take(&good, b"a", &bucket()).unwrap().remaining, 99);
    assert!(!format!("{good:?}").contains("s3cret"));
    for wrong in ["limits:other@", "nobody:s3cret@", ""] {
        let error = take(&store(&format!("memcached://{wrong}{address}")), b"a", &bucket()).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn a_password_is_not_left_on_a_node_that_asks_for_none() {
    let node = Memcached::start();
    let store = store(&format!("memcached://limits:s3cret@{}", node.address()));
    assert_eq!(take(&store, b"a", &bucket()).unwrap().remaining, 99);
    assert_eq!(node.command("get login"), "END");
}

#[test]
fn a_socket_of_unix_serves_too() {
    let node = Memcached::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memcached.sock");
    let listener = {
        let _inside = runtime().enter();
        UnixListener::bind(&path).unwrap()
    };
    let address = node.address();
    let forward = runtime().spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        copy_bidirectional(&mut socket, &mut TcpStream::connect(address).await.unwrap()).await
    });
    let store = store(&format!("memcached+unix://{}", path.display()));
    assert_eq!(take(&store, b"a", &bucket()).unwrap().remaining, 99);
    drop(store);
    runtime().block_on(forward).unwrap().unwrap();
}

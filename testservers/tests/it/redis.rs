//! Redis and Valkey, alone.

use testservers::{Flavour, Redis, RedisOptions};

use crate::is_gone_after_drop;

#[test]
fn each_flavour_starts_answers_and_comes_back() {
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let arguments = ["--appendonly", "yes", "--appendfsync", "always"].map(str::to_owned);
        let options = RedisOptions { flavour, arguments: arguments.to_vec(), ..RedisOptions::default() };
        let redis = Redis::with(options);
        assert_eq!(redis.url(), format!("redis://127.0.0.1:{}", redis.port()));
        assert_eq!(redis.command(&["SET", "a", "1"]), "OK");
        assert_eq!(redis.calls("set"), 1);
        assert!(redis.try_command(&["NONSENSE"]).unwrap_err().contains("unknown command"));
        redis.kill();
        assert!(!redis.is_running() && redis.try_command(&["PING"]).is_err());
        redis.restart();
        assert_eq!(redis.command(&["GET", "a"]), "1");
        assert_eq!(redis.command(&["MGET", "a", "b"]), "1\n");
        redis.pause();
        redis.resume();
        assert_eq!(redis.command(&["GET", "b"]), "");
        is_gone_after_drop(redis);
    }
}

#[test]
fn secrets_are_asked_for() {
    let options = RedisOptions { password: Some("secret".to_owned()), ..RedisOptions::default() };
    let redis = Redis::with(options);
    assert_eq!(redis.url(), format!("redis://:secret@127.0.0.1:{}", redis.port()));
    assert_eq!(redis.command(&["CONFIG", "GET", "requirepass"]), "requirepass\nsecret");

    let acl = "user default off\nuser alice on >wonder ~a:* +get\n".to_owned();
    let redis = Redis::with(RedisOptions { acl: Some(acl), ..RedisOptions::default() });
    assert_eq!(redis.command(&["ACL", "USERS"]), "alice\ndefault\ntestservers");
}

#[test]
fn encrypted_connections_and_sockets_are_there() {
    let redis = Redis::with(RedisOptions { tls: true, ..RedisOptions::default() });
    let ask = |arguments: &[&str]| {
        let said = std::process::Command::new("redis-cli").args(arguments).arg("PING").output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    let port = redis.tls_address().port().to_string();
    let authority = redis.certificates().authority.to_str().unwrap();
    assert_eq!(ask(&["-p", &port, "--tls", "--cacert", authority]), "PONG\n");
    assert_eq!(ask(&["-s", redis.socket().to_str().unwrap()]), "PONG\n");
}

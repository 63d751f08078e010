//! Limits of commands, counted in a store that servers share.

use testservers::Redis as Store;

use super::{Redis, ask, refusal};
use crate::client::eventually;
use crate::server::Home;

fn home(store: &Store, deadline: &str) -> Home {
    let store = store.url();
    let stores =
        format!("stores: {{ default: {{ url: \"{store}\", deadline: {deadline}, breaker: false }} }}");
    Home::new(&format!("{stores}\nrules: [{{ name: all, limits: [ 5 per 365 days burst 5 ] }}]\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_the_limits_of_commands() {
    let store = Store::start();
    let servers = [
        Redis::start_in(home(&store, "20s"), &[]).await,
        Redis::start_in(home(&store, "20s"), &[]).await,
    ];
    let mut passed = 0;
    for number in 0..20 {
        let mut client = servers[number % 2].client("").await.unwrap();
        let answer: Vec<i64> = ask(&mut client, "CL.THROTTLE shared 9 1 86400").await.unwrap();
        passed += usize::from(answer[0] == 0);
    }
    assert_eq!(passed, 10);
    let mut client = servers[0].client("?protocol=resp3").await.unwrap();
    let mut pipeline = redis::pipe();
    (0..8).for_each(|_| _ = pipeline.cmd("RK.CHECK").arg("all"));
    let answers: Vec<redis::Value> = pipeline.query_async(&mut client).await.unwrap();
    let allowed = answers.iter().filter(|answer| format!("{answer:?}").contains("boolean(true)"));
    assert_eq!(allowed.count(), 5, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_gone_is_an_error_and_no_refusal() {
    let store = Store::start();
    let server = Redis::start_in(home(&store, "200ms"), &[]).await;
    let mut client = server.client("").await.unwrap();
    let first = async || ask::<Vec<i64>>(&mut client, "CL.THROTTLE a 9 1 86400").await.ok();
    assert_eq!(eventually("the store is there", first).await[0], 0);
    store.kill();
    let error = refusal(&mut client, "CL.THROTTLE a 9 1 86400").await;
    assert!(error.starts_with("Cell error: Store error: "), "{error}");
    // A rule has a failure policy of its own.
    let checked: Vec<redis::Value> = ask(&mut client, "RK.CHECK all").await.unwrap();
    assert_eq!(checked[1], redis::Value::Int(1), "{checked:?}");
    store.restart();
    eventually("the store is back", async || {
        ask::<Vec<i64>>(&mut client, "CL.THROTTLE a 9 1 86400").await.ok()
    })
    .await;
}

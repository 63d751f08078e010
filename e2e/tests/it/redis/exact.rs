//! Exactly what the limit says, however many connections ask, and however they do.

use redis::{cmd, pipe};
use tokio::task::JoinSet;

use super::Redis;

/// A thousand, of which nothing comes back while a test runs.
const LIMIT: [&str; 4] = ["shared", "999", "1", "86400"];

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_get_exactly_the_limit() {
    let server = Redis::start(&[]).await;
    let mut connections = JoinSet::new();
    for number in 0..64 {
        let query = if number % 2 == 0 { "" } else { "?protocol=resp3" };
        let mut client = server.client(query).await.unwrap();
        connections.spawn(async move {
            let mut passed = 0;
            for _ in 0..20 {
                let answer: Vec<i64> = cmd("CL.THROTTLE").arg(&LIMIT).query_async(&mut client).await.unwrap();
                passed += usize::from(answer[0] == 0);
            }
            passed
        });
    }
    let mut client = server.client("").await.unwrap();
    connections.spawn(async move {
        let mut pipeline = pipe();
        (0..1000).for_each(|_| _ = pipeline.cmd("CL.THROTTLE").arg(&LIMIT));
        let answers: Vec<Vec<i64>> = pipeline.query_async(&mut client).await.unwrap();
        assert_eq!(answers.len(), 1000);
        answers.iter().filter(|answer| answer[0] == 0).count()
    });
    assert_eq!(connections.join_all().await.iter().sum::<usize>(), 1000);
}

/// Answers stand in the order of the commands, also where they are many more than fit into a buffer.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_answered_in_its_order() {
    let server = Redis::start(&[]).await;
    let mut client = server.client("").await.unwrap();
    let mut pipeline = pipe();
    for number in 0..20_000_i64 {
        match number % 3 {
            0 => pipeline.cmd("ECHO").arg(number),
            1 => pipeline.cmd("CL.THROTTLE").arg(&["counted", "99999", "1", "8640"]),
            _ => pipeline.cmd("RK.CHECK").arg(&["watched", "alice", "PEEK"]),
        };
    }
    let answers: Vec<redis::Value> = pipeline.query_async(&mut client).await.unwrap();
    for (number, answer) in answers.iter().enumerate() {
        let number = i64::try_from(number).unwrap();
        match number % 3 {
            0 => assert_eq!(*answer, redis::Value::BulkString(number.to_string().into_bytes())),
            1 => {
                let remaining: Vec<i64> = redis::from_redis_value_ref(answer).unwrap();
                assert_eq!(remaining[2], 99_999 - number / 3);
            }
            _ => assert!(matches!(answer, redis::Value::Array(_)), "{answer:?}"),
        }
    }
}

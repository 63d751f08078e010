//! Keys: apart from each other, and bounded.

use std::time::Duration;

use ratekeeper_outbound::{PaceError, PacerConfig};
use tokio::time::advance;

use super::{one_per_second, too_long};

#[tokio::test(start_paused = true)]
async fn keys_do_not_wait_for_each_other() {
    let pacer = one_per_second(PacerConfig::default());
    for key in ["a.example", "b.example"] {
        drop(pacer.try_ready_for(key).unwrap());
        assert_eq!(too_long(&pacer.try_ready_for(key).unwrap_err()), Duration::from_secs(1));
    }
    let long = pacer.until_ready_for("x".repeat(251)).await.unwrap_err();
    assert!(long.to_string().contains("251"), "{long}");
}

#[tokio::test(start_paused = true)]
async fn idle_keys_make_way_and_busy_ones_never() {
    let pacer = one_per_second(PacerConfig { max_keys: 3, ..PacerConfig::default() });
    let held = pacer.try_ready_for("held").unwrap();
    for key in ["a", "b"] {
        drop(pacer.try_ready_for(key).unwrap());
    }
    let full = pacer.try_ready_for("c").unwrap_err();
    assert_eq!(full, PaceError::TooManyKeys { max_keys: 3 });
    advance(Duration::from_secs(1)).await;
    for key in ["c", "d"] {
        drop(pacer.try_ready_for(key).unwrap());
    }
    // The call that is out keeps its key, for its slot and its answer.
    assert!(pacer.try_ready_for("e").is_err());
    drop(held);
    advance(Duration::from_millis(200)).await;
    assert!(pacer.try_ready_for("e").is_ok());
}

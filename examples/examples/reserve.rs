//! A cost that is known only afterwards: reserve an estimate, settle the actual cost exactly once.

#![allow(clippy::print_stdout)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ratekeeper::engine::{Attributes, Engine, Policy, Request};

const POLICY: &str = "rules: [{ name: tokens, key: [user], limits: [ 10000 per day ] }]";

async fn answer(engine: &Engine) -> Result<(), Box<dyn std::error::Error>> {
    let prompt = Request::new(Attributes { user: Some("alice"), ..Attributes::default() }).costing(4000);
    let reservation = engine.reserve(&prompt).await;
    let Some(handle) = reservation.handle else {
        println!("refused: {:?}", reservation.outcome.decision);
        return Ok(());
    };
    println!("reserved 4000");
    // … the work is done, and turns out to cost less.
    println!("{:?} at 1250", engine.commit(&handle, 1250).await?);
    println!("{:?}, since it had been settled", engine.commit(&handle, 1250).await?);
    let left = engine.check(&prompt.costing(0)).await.limits[0].verdict.map(|verdict| verdict.remaining);
    println!("left today: {left:?}");
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?;
    // A store in memory answers at once, so that this example needs no runtime.
    match pin!(answer(&engine)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err("a store in memory never waits".into()),
    }
}

//! The shortest way: one limit, any number of keys, in this process.

#![allow(clippy::print_stdout)]

use ratekeeper::{Limit, Limiter, Micros};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limiter = Limiter::new(Limit::token_bucket(2, Micros::MINUTE)?);
    for attempt in 1..=3 {
        let verdict = limiter.check("alice")?;
        match verdict.retry_after {
            _ if verdict.allowed => println!("attempt {attempt}: come in, {} left", verdict.remaining),
            Some(wait) => println!("attempt {attempt}: try again in {} s", wait.as_secs_ceil()),
            None => println!("attempt {attempt}: never"),
        }
    }
    Ok(())
}

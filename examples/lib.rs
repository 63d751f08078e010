//! Runnable examples stand in `examples/`: `cargo run -p examples --example one_limit`. Every one is run in CI.

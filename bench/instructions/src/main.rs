//! Runs one of the key paths for a program that counts instructions; `cargo xtask bench instructions` starts it.
//!
//! Nothing here depends on the machine: the clock is turned by hand, the secret and all keys are fixed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement prints, and fails by panicking"
)]

mod case;
mod cases;
mod clock;

use std::process::ExitCode;

use crate::case::Case;

fn main() -> ExitCode {
    let cases = cases::all();
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "--list" {
        cases.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    }
    let Some(case) = cases.into_iter().find(|case| case.name == name) else {
        eprintln!("usage: instructions --list | CASE");
        return ExitCode::FAILURE;
    };
    println!("{} {}", case.operations, allocations(&case));
    ExitCode::SUCCESS
}

/// How many allocations the counted operations make.
fn allocations(case: &Case) -> u64 {
    let mut operation = (case.prepare)();
    (0..case.operations).for_each(|_| operation());
    allocation_counter::measure(|| counted(case.operations, &mut operation)).count_total
}

/// The instructions of this function are the ones that are counted, with all that it calls; it is known by its name.
#[inline(never)]
fn counted(operations: u32, operation: &mut dyn FnMut()) {
    (0..operations).for_each(|_| operation());
}

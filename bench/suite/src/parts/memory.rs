//! Bytes a key, and the longest pause while a store grows.

use std::fs;
use std::process::Command;

use crate::case::{Named, subject};
use crate::keys::keys;
use crate::options::Options;
use crate::parts::checks::keyed;
use crate::results::Results;
use crate::rounds::{self, Contender};
use crate::subject::Quota;
use crate::table::{Row, Table};
use crate::work::Ran;

pub fn run(options: &Options, results: &mut Results) {
    let rows = keyed().into_iter().skip(1).map(|named| {
        let each: Vec<f64> = (0..3).map(|_| in_child(options, &named)).collect();
        Row::of(named.name, &each, None, None)
    });
    let title = format!("Resident memory at {} keys of 14 bytes", options.keys);
    results.add(Table::new("bytes", &title, "bytes/key", None, rows.collect()));
    pauses(options, results);
}

/// A process for each subject: what one has freed is not given back to the system, but to the next.
fn in_child(options: &Options, named: &Named) -> f64 {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([
            "bytes",
            named.name,
            "--keys",
            &options.keys.to_string(),
            "--seed",
            &options.seed.to_string(),
        ])
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// The child: bytes that became resident, for each key.
pub fn bytes(options: &Options, name: &str) -> f64 {
    let keys = keys(options.keys, options.seed);
    let before = resident();
    let case = (subject(name).make)(Quota::Generous, options.keys);
    for key in &keys {
        case.check(key);
    }
    (resident() - before) / keys.len() as f64
}

fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says what is resident");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the line");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
    kib * 1024.0
}

/// The longest single insertion while an empty store grows. The first row shows what the machine alone does to the clock.
fn pauses(options: &Options, results: &mut Results) {
    let keys = keys(options.keys, options.seed);
    let keys = keys.as_slice();
    let contenders = keyed().into_iter().map(|named| {
        // Told of no size beforehand, where it need not be: this is about growth.
        let room = if named.name.starts_with("throttlecrab") {
            1000
        } else {
            options.keys
        };
        Contender::new(named.name, move || longest(&named, room, keys))
    });
    let rows = rounds::run(contenders.collect(), options.rounds.min(5), "");
    let title = format!("The longest single insertion while a store grows to {} keys", options.keys);
    results.add(Table::new("pause", &title, "ns", None, rows));
}

fn longest(named: &Named, room: usize, keys: &[String]) -> Ran {
    let case = (named.make)(Quota::Generous, room);
    let clock = quanta::Clock::new();
    let (mut longest, mut before) = (0, clock.raw());
    for key in keys {
        case.check(key);
        let now = clock.raw();
        longest = longest.max(now - before);
        before = now;
    }
    Ran { nanos: clock.delta_as_nanos(0, longest) as f64, admitted: 0, seconds: 0.0 }
}

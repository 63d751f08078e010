//! What benchmarks of stores have in common: keys, interleaved rounds, a table of them, and its rows as JSON.
//!
//! Set by the environment: `BENCH_SEED`, `BENCH_KEYS`, `BENCH_MS` (of a round), `BENCH_ROUNDS`, `BENCH_ONLY` (subjects that
//! contain one of these words, with commas between them) and `BENCH_JSON` (a file for the rows).

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement reads the clock and the environment, computes, and prints"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::usage::processor_seconds;

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// A generator of numbers that look like chance, the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1.
    fn part(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Keys, and an order in which they are asked for that was drawn beforehand.
#[derive(Clone, Debug)]
pub struct Keys {
    names: Arc<Vec<String>>,
    order: Arc<Vec<u32>>,
    next: Arc<AtomicUsize>,
}

/// So many are drawn; then it begins anew.
const DRAWN: usize = 1 << 20;

impl Keys {
    fn drawn(names: Vec<String>, draw: impl FnMut() -> u32) -> Self {
        let order = std::iter::repeat_with(draw).take(DRAWN).collect();
        Self { names: Arc::new(names), order: Arc::new(order), next: Arc::default() }
    }

    /// `count` keys, each as often as any other.
    #[must_use]
    pub fn uniform(count: usize, seed: u64) -> Self {
        let mut chance = Chance(seed);
        Self::drawn(names(count, seed), || (chance.draw() % count as u64) as u32)
    }

    /// `count` keys, the nth as often as n to the power of −0.99.
    #[must_use]
    pub fn zipf(count: usize, seed: u64) -> Self {
        let mut sums: Vec<f64> = (1..=count).map(|rank| (rank as f64).powf(-0.99)).collect();
        for rank in 1..count {
            sums[rank] += sums[rank - 1];
        }
        let mut chance = Chance(seed);
        Self::drawn(names(count, seed), || {
            let part = chance.part() * sums[count - 1];
            sums.partition_point(|sum| *sum < part).min(count - 1) as u32
        })
    }

    /// The same draws, but for those of keys that are not wanted.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let wanted: Vec<bool> = self.names.iter().map(|name| wanted(name)).collect();
        let order = self.order.iter().copied().filter(|place| wanted[*place as usize]).collect();
        Self { order: Arc::new(order), names: Arc::clone(&self.names), next: Arc::default() }
    }

    /// The next key in order, for whoever asks.
    #[must_use]
    pub fn next(&self) -> &str {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.order.len();
        &self.names[self.order[place] as usize]
    }

    /// All keys, in the order of their ranks.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

fn names(count: usize, seed: u64) -> Vec<String> {
    let mut chance = Chance(!seed);
    (0..count).map(|rank| format!("login:1m:{{{:07x}{rank}}}", chance.draw() >> 36)).collect()
}

/// How one subject is called in a table.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What is measured.
    pub name: String,
    /// How many ask at the same time.
    pub callers: usize,
    /// What it is compared with: the place of another subject.
    pub floor: Option<usize>,
}

/// One subject, measured once.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Checks that were answered.
    pub checks: usize,
    /// For how long.
    pub seconds: f64,
    /// How long each call took.
    pub latencies: Vec<Duration>,
    /// What a check took of the processors of the servers and of this process, in microseconds.
    pub server_us: f64,
    /// The same of this process.
    pub client_us: f64,
    /// What else was counted.
    pub more: Vec<(&'static str, f64)>,
}

impl Round {
    fn per_second(&self) -> f64 {
        self.checks as f64 / self.seconds
    }
}

/// Watches over a round.
#[derive(Debug)]
pub struct Watch<'s> {
    servers: &'s [u32],
    begun: Instant,
    before: [f64; 2],
}

impl<'s> Watch<'s> {
    /// Begins, with the process ids of the servers.
    #[must_use]
    pub fn start(servers: &'s [u32]) -> Self {
        Self { servers, before: Self::seconds(servers), begun: Instant::now() }
    }

    fn seconds(servers: &[u32]) -> [f64; 2] {
        [
            servers.iter().map(|server| processor_seconds(*server)).sum(),
            crate::usage::own_processor_seconds(),
        ]
    }

    /// Ends, with the number of checks and how long each call took.
    #[must_use]
    pub fn stop(self, checks: usize, latencies: Vec<Duration>) -> Round {
        let seconds = self.begun.elapsed().as_secs_f64();
        let after = Self::seconds(self.servers);
        let [server_us, client_us] =
            [0, 1].map(|side| (after[side] - self.before[side]) * 1e6 / checks.max(1) as f64);
        Round { checks, seconds, latencies, server_us, client_us, more: Vec::new() }
    }
}

/// All rounds of all subjects.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    /// Of keys and their order.
    pub seed: u64,
    /// How many keys.
    pub keys: usize,
    /// How long a round takes.
    pub span: Duration,
    only: Option<String>,
    rounds: usize,
    subjects: Vec<(Subject, Vec<Round>)>,
}

impl Table {
    /// A table as the environment wants it.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            seed: number("BENCH_SEED", 1),
            keys: number("BENCH_KEYS", 100_000) as usize,
            span: Duration::from_millis(number("BENCH_MS", 1000)),
            rounds: number("BENCH_ROUNDS", 5) as usize,
            only: std::env::var("BENCH_ONLY").ok(),
            subjects: Vec::new(),
        }
    }

    /// Adds a subject, and returns its place.
    pub fn subject(&mut self, name: impl Into<String>, callers: usize, floor: Option<usize>) -> usize {
        self.subjects.push((Subject { name: name.into(), callers, floor }, Vec::new()));
        self.subjects.len() - 1
    }

    /// The places of the subjects to be measured one after the other, all of them in every round.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let wanted = |place: &usize| {
            let name = &self.subjects[*place].0.name;
            self.only.as_ref().is_none_or(|only| only.split(',').any(|word| name.contains(word)))
        };
        let once: Vec<usize> = (0..self.subjects.len()).filter(wanted).collect();
        once.repeat(self.rounds)
    }

    /// Adds a round of a subject.
    pub fn add(&mut self, place: usize, round: Round) {
        self.subjects[place].1.push(round);
    }

    /// Prints the medians, and writes them as JSON if that is wanted.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn finish(self) {
        println!(
            "{:<46} {:>7} {:>9} {:>6} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7}",
            self.name, "callers", "checks/s", "±%", "floor", "p50 us", "p95 us", "p99 us", "server", "client"
        );
        let rows: Vec<String> = (0..self.subjects.len()).filter_map(|place| self.row(place)).collect();
        if let Ok(path) = std::env::var("BENCH_JSON") {
            std::fs::write(&path, format!("[\n{}\n]\n", rows.join(",\n"))).unwrap();
        }
    }

    fn row(&self, place: usize) -> Option<String> {
        let (Subject { name, callers, floor }, rounds) = &self.subjects[place];
        let rate = median(rounds.iter().map(Round::per_second))?;
        let (least, most) = rounds
            .iter()
            .map(Round::per_second)
            .fold((f64::MAX, 0.0), |(least, most): (f64, f64), rate| (least.min(rate), most.max(rate)));
        let spread = 50.0 * (most - least) / rate;
        // Of each round with the floor of the same round: both drift alike.
        let ratio = floor.and_then(|floor| {
            let floors = self.subjects[floor].1.iter().map(Round::per_second);
            median(rounds.iter().zip(floors).map(|(round, floor)| round.per_second() / floor))
        });
        let mut latencies: Vec<Duration> =
            rounds.iter().flat_map(|round| round.latencies.iter().copied()).collect();
        latencies.sort_unstable();
        let at = |percent: usize| {
            latencies
                .get(latencies.len().saturating_sub(1) * percent / 100)
                .map_or(0.0, |at| at.as_secs_f64() * 1e6)
        };
        let [p50, p95, p99] = [50, 95, 99].map(at);
        let server = median(rounds.iter().map(|round| round.server_us))?;
        let client = median(rounds.iter().map(|round| round.client_us))?;
        let shown = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let mut line = format!(
            "{name:<46} {callers:>7} {rate:>9.0} {spread:>6.1} {shown:>6} {p50:>7.0} {p95:>7.0} {p99:>7.0} {server:>7.2} {client:>7.2}"
        );
        let mut json = format!(
            "{{\"bench\":\"{}\",\"seed\":{},\"keys\":{},\"subject\":\"{name}\",\"callers\":{callers},\"per_second\":{rate:.0},\
             \"least\":{least:.0},\"most\":{most:.0},\"ratio\":{},\"p50_us\":{p50:.0},\"p95_us\":{p95:.0},\"p99_us\":{p99:.0},\
             \"server_us\":{server:.3},\"client_us\":{client:.3}",
            self.name,
            self.seed,
            self.keys,
            ratio.map_or_else(|| "null".to_owned(), |ratio| format!("{ratio:.3}")),
        );
        for (column, (what, _)) in rounds[0].more.iter().enumerate() {
            let number = median(rounds.iter().map(|round| round.more[column].1))?;
            let decimals = if number.fract() == 0.0 { 0 } else { 2 };
            _ = write!(line, "  {what} {number:.decimals$}");
            _ = write!(json, ",\"{}\":{number:.3}", what.replace(' ', "_"));
        }
        println!("{line}");
        Some(json + "}")
    }
}

/// The one in the middle; nothing of nothing.
fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

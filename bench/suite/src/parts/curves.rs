//! Cost per check against one thing that grows, the rest being equal: a cliff shows as a step.

use std::sync::Arc;

use ratekeeper::engine::Engine;

use crate::case::{Case, FLOOR, OURS, subject};
use crate::keys::{keys, uniform};
use crate::options::Options;
use crate::parts::checks::{cores, filled, turn};
use crate::parts::policy::{contender, engine_of, limits_rule, many_rules};
use crate::results::Results;
use crate::rounds;
use crate::subject::Quota;
use crate::table::{Curve, Point, Row, Series};
use crate::work::Work;

const NANOS: &str = "ns per check";
const COMPARED: [&str; 3] = [FLOOR, OURS, "governor, ahash"];

pub fn run(options: &Options, results: &mut Results) {
    let options = &Options { rounds: options.rounds.min(5), ..options.clone() };
    by_keys(options, results);
    by_threads(options, results);
    by_policy(
        options,
        results,
        "rules",
        "rules, one of which applies",
        &[1, 10, 100, 1000, 10_000],
        |rules| (engine_of(&many_rules(rules)), format!("/service{}/orders", rules * 7 / 9)),
    );
    let limits: Vec<usize> = (1..=10).collect();
    by_policy(options, results, "limits", "limits a request", &limits, |limits| {
        (engine_of(&limits_rule(limits)), "/orders".to_owned())
    });
}

fn by_keys(options: &Options, results: &mut Results) {
    let counts = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 4_000_000];
    let counts = counts.into_iter().filter(|count| *count <= options.keys * 4);
    let mut curve = Curve::new("keys", "Cost per check by the number of keys", "keys, all alike", NANOS);
    for count in counts {
        let keys = Arc::new(keys(count, options.seed));
        let work = Work::over(&keys, &uniform(count, options.seed), 1);
        curve.add(count, compared(options, &work));
    }
    results.curves.push(curve);
}

fn by_threads(options: &Options, results: &mut Results) {
    let hot = Arc::new(keys(1, options.seed));
    let many = Arc::new(keys(options.keys, options.seed));
    let orders = [
        ("threads-hot", "Cost per check by the number of threads, one key", &hot, vec![0]),
        (
            "threads-many",
            "Cost per check by the number of threads, many keys",
            &many,
            uniform(options.keys, options.seed),
        ),
    ];
    for (name, title, keys, order) in orders {
        let mut curve = Curve::new(name, title, "threads, each on a core of its own", NANOS);
        let work = Work::over(keys, &order, 1);
        for threads in 1..=cores() {
            curve.add(threads, compared(options, &Work { threads, ..work.clone() }));
        }
        results.curves.push(curve);
    }
}

fn compared(options: &Options, work: &Work) -> Vec<Row> {
    let made = |name: &str| filled(&subject(name), Quota::Generous, work);
    let cases: Vec<(_, Box<dyn Case>)> = COMPARED.iter().map(|name| (*name, made(name))).collect();
    let contenders = cases.iter().map(|(name, case)| turn(options, name, case.as_ref(), work)).collect();
    rounds::run(contenders, options.rounds, FLOOR)
}

fn by_policy(
    options: &Options,
    results: &mut Results,
    name: &str,
    x: &str,
    counts: &[usize],
    make: impl Fn(usize) -> (Engine, String),
) {
    let mut curve = Curve::new(name, &format!("Cost of a request by the number of {x}"), x, "ns per request");
    let engines: Vec<_> = counts.iter().map(|count| (*count, make(*count))).collect();
    let contenders = engines
        .iter()
        .map(|(count, (engine, path))| contender(options, &count.to_string(), engine, path));
    let rows = rounds::run(contenders.collect(), options.rounds, &counts[0].to_string());
    for ((count, _), row) in engines.iter().zip(rows) {
        curve.add(*count, vec![Row { subject: OURS.to_owned(), ..row }]);
    }
    results.curves.push(curve);
}

impl Curve {
    fn new(name: &str, title: &str, x: &str, y: &str) -> Self {
        println!("\n{title}: {y}");
        let (name, title, x, y) = (name.to_owned(), title.to_owned(), x.to_owned(), y.to_owned());
        Self { name, title, x, y, series: Vec::new() }
    }

    /// What was measured at `x`.
    fn add(&mut self, x: usize, rows: Vec<Row>) {
        let shown = rows.iter().map(|row| format!("{} {:.1}", row.subject, row.value.median));
        println!("{x:>9}  {}", shown.collect::<Vec<_>>().join("   "));
        for row in rows {
            let point = Point { x: x as f64, y: row.value };
            match self.series.iter_mut().find(|series| series.subject == row.subject) {
                Some(series) => series.points.push(point),
                None => self.series.push(Series { subject: row.subject, points: vec![point] }),
            }
        }
    }
}

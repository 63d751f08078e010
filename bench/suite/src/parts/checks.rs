//! Workloads of single checks: ours, the floors and the peers.

use std::sync::Arc;

use crate::case::{Case, FLOOR, LIMITADOR, Named, OURS, SUBJECTS};
use crate::keys::{ORDER, costs, keys, uniform, zipf};
use crate::options::Options;
use crate::results::Results;
use crate::rounds::{self, Contender};
use crate::subject::Quota;
use crate::table::{Row, Table};
use crate::work::Work;

pub const UNIT: &str = "ns/check";

pub fn run(options: &Options, results: &mut Results) {
    let few = Arc::new(keys(2, options.seed));
    for threads in threads() {
        let work = Work::hot(&few, threads);
        let title = format!("One hot key, {threads} thread(s), all allowed");
        let rows = lasting(options, Quota::Generous, &work, SUBJECTS);
        results.add(Table::new(&named("hot", threads), &title, UNIT, Some(FLOOR), rows));
    }
    for threads in threads() {
        let title = format!("One hot key, {threads} thread(s), all denied");
        let rows = denied(options, &Work::hot(&few, threads));
        results.add(Table::new(&named("hot-denied", threads), &title, UNIT, Some(FLOOR), rows));
    }
    contended(options, results, &few);
    many(options, results);
    flood(options, results);
    refused(options, results);
    bursts(options, results);
}

/// One, and as many as there are cores.
pub fn threads() -> Vec<usize> {
    let cores = cores();
    if cores == 1 { vec![1] } else { vec![1, cores] }
}

/// A table's name does not depend on how many cores there are.
fn named(workload: &str, threads: usize) -> String {
    let threads = if threads == 1 { "one" } else { "all" };
    format!("{workload}-{threads}")
}

pub fn cores() -> usize {
    core_affinity::get_core_ids().map_or(1, |cores| cores.len())
}

/// As many as divide the order of a workload without a rest.
fn even_threads() -> usize {
    1 << cores().ilog2()
}

pub fn keyed() -> Vec<Named> {
    SUBJECTS.iter().copied().filter(|named| named.keyed).collect()
}

/// Subjects that know all keys, and last over all rounds.
fn lasting(options: &Options, quota: Quota, work: &Work, subjects: &[Named]) -> Vec<Row> {
    let cases: Vec<_> = subjects.iter().map(|named| (named.name, filled(named, quota, work))).collect();
    measure(options, &cases, work)
}

pub fn filled(named: &Named, quota: Quota, work: &Work) -> Box<dyn Case> {
    let case = (named.make)(quota, work.keys.len());
    case.fill(work);
    case
}

pub fn measure(options: &Options, cases: &[(&'static str, Box<dyn Case>)], work: &Work) -> Vec<Row> {
    let contenders = cases.iter().map(|(name, case)| turn(options, name, case.as_ref(), work)).collect();
    rounds::run(contenders, options.rounds, FLOOR)
}

/// A contender whose turns last as long as they should: a fourth of a turn warms the caches, and does not count.
pub fn turn<'c>(options: &Options, name: &str, case: &'c dyn Case, work: &'c Work) -> Contender<'c> {
    let target = options.turn_ms as f64 * 1e6;
    let mut checks = 0;
    Contender::new(name, move || {
        if checks == 0 {
            let nanos = case.run(work, 20_000).nanos.max(0.1);
            checks = ((target / nanos) as usize).clamp(1_000, 50_000_000);
        }
        case.run(work, checks / 4);
        case.run(work, checks)
    })
}

/// Subjects whose keys have had all they may have: two, since throttlecrab does not limit what may have one.
fn denied(options: &Options, work: &Work) -> Vec<Row> {
    let cases: Vec<_> = SUBJECTS[1..]
        .iter()
        .map(|named| {
            let case = (named.make)(Quota::Burst(2), work.keys.len());
            let admitted = (0..2).all(|_| case.check(&work.keys[0]));
            assert!(admitted, "{} denies at once", named.name);
            assert!(!case.check(&work.keys[0]), "{} does not deny", named.name);
            (named.name, case)
        })
        .collect();
    measure(options, &cases, work)
}

/// Threads that take from one bucket as fast as they can: a million a second pass, and not one more.
fn contended(options: &Options, results: &mut Results, few: &Arc<Vec<String>>) {
    const CHECKS: usize = 1_000_000;
    let quota = Quota::Rate(1_000_000);
    let work = Work::hot(few, cores());
    let subjects = SUBJECTS.iter().filter(|named| named.keyed && named.name != LIMITADOR).skip(1);
    let contenders = subjects.map(|named| {
        let fresh = move |work: &Work| (named.make)(quota, 2).run(work, CHECKS);
        let work = work.clone();
        Contender::new(named.name, move || fresh(&work)).at_most(move |seconds| quota.most(seconds))
    });
    let rows = rounds::run(contenders.collect(), options.rounds, FLOOR);
    let title = format!("One hot key, {} thread(s), at its rate of a million a second", cores());
    results.add(Table::new("contended", &title, UNIT, Some(FLOOR), rows));
}

fn many(options: &Options, results: &mut Results) {
    let keys = Arc::new(keys(options.keys, options.seed));
    let subjects = keyed();
    let even = Work::over(&keys, &uniform(options.keys, options.seed), 1);
    let cases: Vec<_> =
        subjects.iter().map(|named| (named.name, filled(named, Quota::Generous, &even))).collect();
    let mut table = |name: &str, title: &str, work: &Work| {
        results.add(Table::new(name, title, UNIT, Some(FLOOR), measure(options, &cases, work)));
    };
    for threads in threads() {
        let work = Work { threads, ..even.clone() };
        let title = format!("{} keys, all alike, {threads} thread(s)", options.keys);
        table(&named("uniform", threads), &title, &work);
    }
    let zipf = Work::over(&keys, &zipf(options.keys, 0.99, options.seed), 1);
    for threads in threads() {
        let work = Work { threads, ..zipf.clone() };
        let title = format!("{} keys, Zipf 0.99, {threads} thread(s)", options.keys);
        table(&named("zipf", threads), &title, &work);
    }
    let work = Work { costs: Some(Arc::new(costs(options.seed))), ..zipf };
    table("costs", "Zipf 0.99, costs 1 to 1000", &work);
}

/// New keys only, ten times as many as the store is for.
fn flood(options: &Options, results: &mut Results) {
    let keys = Arc::new(keys(ORDER, options.seed + 1));
    let work = Work::over(&keys, &(0..ORDER as u32).collect::<Vec<_>>(), 1);
    let fresh = |named: &Named, room: usize| {
        let (make, work) = (named.make, work.clone());
        Contender::new(named.name, move || make(Quota::Generous, room).run(&work, ORDER))
    };
    let limitador = |named: &Named| named.name == LIMITADOR;
    let mut contenders: Vec<_> = keyed()
        .iter()
        .skip(1)
        .filter(|named| !limitador(named))
        .map(|named| fresh(named, ORDER))
        .collect();
    let bounded = move || {
        let limit = crate::subjects::ratekeeper::bucket(Quota::Generous);
        let limiter = crate::subjects::ratekeeper::limiter_of(limit, ORDER / 10);
        limiter.run(&work, ORDER)
    };
    contenders.push(Contender::new("ratekeeper, bounded to a tenth", bounded));
    let rows = rounds::run(contenders, options.rounds.min(3), FLOOR);
    results.add(Table::new("flood", "A flood of new keys", "ns/insert", Some(FLOOR), rows));
}

/// Ten thousand keys, of whose checks a tenth passes, by all threads at once.
fn refused(options: &Options, results: &mut Results) {
    const KEYS: usize = 10_000;
    let order = uniform(KEYS, options.seed);
    let burst = (ORDER / KEYS / 10) as u32;
    let mut asked = vec![0_u64; KEYS];
    order.iter().for_each(|key| asked[*key as usize] += 1);
    let most = asked.iter().map(|asked| u64::from(burst).min(*asked)).sum();
    let keys = Arc::new(keys(KEYS, options.seed));
    let work = Work::over(&keys, &order, even_threads());
    let rows = counted(options, &work, burst, most);
    let title = format!("Ten thousand keys, 90 % denied, {} thread(s)", even_threads());
    results.add(Table::new("denied", &title, UNIT, Some(FLOOR), rows));
}

/// Every key is asked for ten times its burst at once.
fn bursts(options: &Options, results: &mut Results) {
    const BURST: u32 = 16;
    let each = BURST as usize * 10;
    let count = ORDER / each;
    let keys = Arc::new(keys(count, options.seed));
    // What is left at the end is asked of the last key.
    let order: Vec<_> = (0..ORDER).map(|at| (at / each).min(count - 1) as u32).collect();
    let work = Work::over(&keys, &order, even_threads());
    let rows = counted(options, &work, BURST, count as u64 * u64::from(BURST));
    let title = format!("Bursts of ten times what a key may take, {} thread(s)", even_threads());
    results.add(Table::new("bursts", &title, UNIT, Some(FLOOR), rows));
}

/// Fresh subjects, once through the whole order: what may pass is known exactly.
fn counted(options: &Options, work: &Work, burst: u32, most: u64) -> Vec<Row> {
    let contenders = keyed().into_iter().skip(1).map(|named| {
        let work = work.clone();
        let fresh =
            move || (named.make)(Quota::Burst(burst), work.keys.len()).run(&work, ORDER / work.threads);
        Contender::new(named.name, fresh).at_most(move |_| most)
    });
    let rows = rounds::run(contenders.collect(), options.rounds, FLOOR);
    let ours = rows.iter().find(|row| row.subject == OURS).and_then(|row| row.exact);
    assert!(
        ours.is_some_and(|exact| exact.admitted == exact.most),
        "ours refused what may pass: {ours:?}"
    );
    rows
}

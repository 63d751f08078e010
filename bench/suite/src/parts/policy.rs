//! Whole requests: by a policy of many rules, and by several limits at once.

use std::hint::black_box;

use ratekeeper::engine::{Attributes, Engine, Policy, Request};
use ratekeeper::{Batch, Check, Key, Limit, MemoryStore, Micros, Op, Store as _};

use crate::case::OURS;
use crate::keys::{Random, keys};
use crate::options::Options;
use crate::results::Results;
use crate::rounds::{self, Contender};
use crate::subject::{Quota, Subject};
use crate::subjects::governor::{Governor, governor};
use crate::subjects::limitador::Limitador;
use crate::table::Table;
use crate::work::{Ran, Work};

const GENEROUS: &str = "1000000 per second burst 4000000000";
const UNIT: &str = "ns/request";

pub fn run(options: &Options, results: &mut Results) {
    five_limits(options, results);
    engine(options, results);
}

/// The same five limits of one client, by everything that can: only ours takes from all or from none.
fn five_limits(options: &Options, results: &mut Results) {
    let users = std::sync::Arc::new(keys(1024, options.seed));
    let mut random = Random::new(options.seed);
    let order: Vec<u32> = (0..1 << 16).map(|_| random.below(users.len()) as u32).collect();
    let work = Work::over(&users, &order, 1);
    let subjects: [(&'static str, Box<dyn crate::case::Case>); 4] = [
        (OURS, Box::new(Units::new(5))),
        ("ratekeeper, by a policy", Box::new(ByPolicy(engine_of(&limits_rule(5))))),
        ("governor, ahash, five limiters in turn", Box::new(Five::new())),
        (
            "limitador, memory, five limits",
            Box::new(Limitador::new(Quota::Generous, users.len(), 5)),
        ),
    ];
    subjects.iter().for_each(|(_, case)| case.fill(&work));
    let contenders = subjects
        .iter()
        .map(|(name, case)| super::checks::turn(options, name, case.as_ref(), &work));
    let rows = rounds::run(contenders.collect(), options.rounds, OURS);
    results.add(Table::new("five-limits", "Five limits a request, 1,024 clients", UNIT, Some(OURS), rows));
}

/// One unit of so many checks on the memory store.
pub struct Units {
    store: MemoryStore,
    limits: Vec<Limit>,
}

impl Units {
    pub fn new(limits: u64) -> Self {
        let limit = |index| Limit::token_bucket(1_000_000 + index, Micros::SECOND).expect("a limit");
        let limits = (0..limits).map(|index| limit(index).with_burst(1 << 32).expect("a burst")).collect();
        Self { store: MemoryStore::default(), limits }
    }
}

impl Subject for Units {
    fn check(&self, key: &String) -> bool {
        self.take(key, 1)
    }

    fn take(&self, key: &String, cost: u32) -> bool {
        let mut names = [[0; 32]; 16];
        for (index, (name, _)) in names.iter_mut().zip(&self.limits).enumerate() {
            name[0] = index as u8;
            name[1..=key.len()].copy_from_slice(key.as_bytes());
        }
        let checks = names.iter().zip(&self.limits).map(|(name, limit)| {
            Check::new(Key::new(&name[..=key.len()]).expect("a short key"), limit, cost.into())
        });
        let mut batch = Batch::new();
        batch.push(Op::Take, checks);
        self.store.apply(&mut batch).ready().expect("at once").expect("no error");
        batch.units()[0].passes
    }
}

/// A policy asked for a user.
struct ByPolicy(Engine);

impl Subject for ByPolicy {
    fn check(&self, key: &String) -> bool {
        let request = Request::new(Attributes { user: Some(key), ..Attributes::default() });
        self.0.check_now(&request).expect("at once").allowed()
    }

    fn take(&self, key: &String, _: u32) -> bool {
        self.check(key)
    }
}

/// What users of governor do who have several limits: one after the other, and what the first ones took is gone.
struct Five(Vec<Governor<ahash::RandomState>>);

impl Five {
    fn new() -> Self {
        Self((0..5).map(|_| governor(Quota::Generous)).collect())
    }
}

impl Subject for Five {
    fn check(&self, key: &String) -> bool {
        self.0.iter().all(|limiter| limiter.check_key(key).is_ok())
    }

    fn take(&self, key: &String, _: u32) -> bool {
        self.check(key)
    }
}

pub fn engine_of(policy: &str) -> Engine {
    let policy = Policy::parse(policy, "bench.yaml", &|_| None).expect("a valid policy");
    Engine::new(policy).expect("an engine")
}

/// One rule of so many limits for each user.
pub fn limits_rule(limits: usize) -> String {
    let limits: Vec<_> = (0..limits)
        .map(|index| format!("{} per second burst 4000000000", 1_000_000 + index))
        .collect();
    format!("rules: [{{ name: per-user, key: [user], limits: [ {} ] }}]", limits.join(", "))
}

/// So many rules, one of which applies to a request, each for a path of its own.
pub fn many_rules(rules: usize) -> String {
    let rule = |index| {
        format!(
            "  - {{ name: r{index}, match: {{ path: '/service{index}/{{*rest}}' }}, key: [ip], limits: [ {GENEROUS} ] }}\n"
        )
    };
    format!("rules:\n{}", (0..rules).map(rule).collect::<String>())
}

/// Policies as they are met.
fn engine(options: &Options, results: &mut Results) {
    let one = format!("rules: [{{ name: per-client, key: [ip], limits: [ {GENEROUS} ] }}]");
    let three = format!(
        "rules:
  - {{ name: login, match: {{ methods: [POST], path: /login }}, key: [ip], limits: [ 5 per minute ] }}
  - {{ name: api, match: {{ path: '/api/{{*rest}}' }}, key: [user], limits: [ {GENEROUS}, 100000000000 per day ] }}
  - {{ name: all, limits: [ {{ rate: 1000000000 per hour, algorithm: sliding_window }} ] }}"
    );
    let policies = [
        ("one rule", engine_of(&one), "/api/v1/orders"),
        ("three rules, two of which apply", engine_of(&three), "/api/v1/orders"),
        (
            "10,000 rules, one of which applies",
            engine_of(&many_rules(10_000)),
            "/service7777/orders",
        ),
    ];
    let contenders = policies.iter().map(|(name, engine, path)| contender(options, name, engine, path));
    let rows = rounds::run(contenders.collect(), options.rounds, "one rule");
    results.add(Table::new(
        "policy",
        "Whole requests by a policy, one client",
        UNIT,
        Some("one rule"),
        rows,
    ));
}

/// Requests of one client to one path.
pub fn contender<'c>(options: &Options, name: &str, engine: &'c Engine, path: &'c str) -> Contender<'c> {
    let turn = u128::from(options.turn_ms) * 1_000_000;
    Contender::new(name, move || {
        let request = Request::new(Attributes {
            ip: Some(std::net::IpAddr::from([203, 0, 113, 7])),
            user: Some("alice"),
            method: Some("GET"),
            path: Some(path),
            ..Attributes::default()
        });
        timed(turn, || engine.check_now(black_box(&request)).expect("at once").allowed())
    })
}

/// Calls in groups, until a turn is over.
pub fn timed(turn_nanos: u128, mut call: impl FnMut() -> bool) -> Ran {
    const GROUP: u32 = 1000;
    let (start, mut calls, mut admitted) = (std::time::Instant::now(), 0_u64, 0);
    while start.elapsed().as_nanos() < turn_nanos {
        admitted += (0..GROUP).map(|_| u64::from(call())).sum::<u64>();
        calls += u64::from(GROUP);
    }
    let seconds = start.elapsed().as_secs_f64();
    Ran { nanos: seconds * 1e9 / calls as f64, admitted, seconds }
}

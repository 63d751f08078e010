//! One line for a refusal, but never more than a few a second: a flood of refusals is no flood of lines.

use std::sync::atomic::{AtomicU64, Ordering};

use ratekeeper_core::{Ask, Key, Limit, Micros, Op};
use ratekeeper_engine::{Decision, Denial, Outcome};
use ratekeeper_policy::Attributes;
use ratekeeper_store::{MemoryConfig, MemoryStore};

use crate::shown::printable;

/// Writes refusals to the log.
#[derive(Debug)]
pub(crate) struct RefusalLog {
    limiter: Option<(MemoryStore, Limit)>,
    left_out: AtomicU64,
}

/// The most rules that a line names.
const RULES: usize = 8;
/// The most characters of what a client sent that a line repeats.
const SHOWN: usize = 200;

impl RefusalLog {
    /// At most this many lines a second, after a burst of five times as many; none at all for 0.
    pub(crate) fn new(per_second: u64) -> Self {
        let burst = |limit: Limit| limit.with_burst(per_second.saturating_mul(5));
        let limit = Limit::token_bucket(per_second, Micros::SECOND).and_then(burst);
        let store = MemoryStore::new(MemoryConfig { max_keys: 1, ..MemoryConfig::default() });
        Self { limiter: limit.ok().map(|limit| (store, limit)), left_out: AtomicU64::new(0) }
    }

    pub(crate) fn record(&self, outcome: &Outcome, parts: &[Attributes<'_>]) {
        let Some((store, limit)) = &self.limiter else {
            return;
        };
        let verdict = store.ask_now(Key::default(), limit, &Ask::new(Op::Take, 1));
        if !verdict.is_ok_and(|verdict| verdict.allowed) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let refusing = outcome.refusing().next();
        let Some(attributes) = parts.get(refusing.map_or(0, |limit| limit.part)) else {
            return;
        };
        let subject = refusing.map(|limit| outcome.rule(limit).subject(attributes).join(","));
        tracing::info!(
            rules = refusing_rules(outcome),
            subject = shown(subject.as_deref()),
            domain = shown(attributes.domain),
            ip = attributes.ip.map(tracing::field::display),
            method = shown(attributes.method),
            path = shown(attributes.path),
            reason = reason(outcome),
            retry_after_us = outcome.retry_after().map(Micros::get),
            policy = outcome.policy().version(),
            left_out,
            "refused"
        );
    }
}

/// The rules that refuse, each once, and not too many: a request may have a hundred parts.
pub(crate) fn refusing_rules(outcome: &Outcome) -> String {
    let mut rules: Vec<&str> = Vec::new();
    for limit in outcome.refusing() {
        let rule = outcome.rule(limit).name();
        if rules.contains(&rule) {
            continue;
        }
        if rules.len() == RULES {
            rules.push("…");
            break;
        }
        rules.push(rule);
    }
    rules.join(",")
}

/// Why a request is refused, as the interface names it.
pub(crate) fn reason(outcome: &Outcome) -> Option<&'static str> {
    match outcome.decision {
        Decision::Deny(Denial::Limit) => Some("limit"),
        Decision::Deny(Denial::Listed) => Some("listed"),
        Decision::Deny(Denial::MissingKey) => Some("missing_key"),
        Decision::Deny(Denial::StoreFailure) => Some("store_failure"),
        Decision::Deny(_) => Some("other"),
        Decision::Allow | Decision::Delay(_) => None,
    }
}

/// What a client sent, so that it neither steers a terminal nor fills the log.
fn shown(text: Option<&str>) -> Option<String> {
    text.map(|text| {
        let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
        printable(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use ratekeeper_engine::{Engine, Request};
    use ratekeeper_policy::Policy;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_flood_is_few_lines_and_none_can_be_forged() {
        let source = "rules: [{ name: a, key: [user], limits: [1 per day] }]";
        let engine = Engine::new(Policy::parse(source, "policy.yaml", &|_| None).unwrap()).unwrap();
        let path = format!("/x\n2026 ERROR forged \u{1b}[31m{}", "y".repeat(10_000));
        let attributes =
            Attributes { user: Some("eve\r\nadmin"), path: Some(&path), ..Attributes::default() };
        let (lines, log) = (Lines::default(), RefusalLog::new(2));
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..1000 {
                let outcome = engine.check_now(&Request::new(attributes)).unwrap();
                log.record(&outcome, &[attributes]);
            }
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let count = text.lines().count();
        assert!((10..100).contains(&count), "{count} lines");
        assert!(text.lines().all(|line| line.contains("refused") && line.len() < 800), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}

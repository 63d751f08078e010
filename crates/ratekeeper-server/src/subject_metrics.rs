//! Decisions by subject, for rules with `subject_metrics: true`: a bounded number of series, whoever asks.

use std::collections::HashSet;

use parking_lot::Mutex;
use prometheus::{IntCounterVec, Opts, Registry};
use ratekeeper_engine::Outcome;
use ratekeeper_policy::Attributes;

use crate::shown::printable;

/// How many subjects, of all rules together, have series of their own.
const MOST_SUBJECTS: usize = 1000;
/// Those that came later share one, for each rule.
const OTHERS: &str = "(others)";
/// The most characters of a subject that its label keeps.
const KEPT: usize = 128;

/// Counts decisions by subject.
#[derive(Debug)]
pub(crate) struct SubjectMetrics {
    decisions: IntCounterVec,
    known: Mutex<HashSet<(String, String)>>,
}

impl SubjectMetrics {
    /// # Errors
    /// If the registry has a metric of this name.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let decisions = IntCounterVec::new(
            Opts::new(
                "ratekeeper_subject_decisions_total",
                "Requests that met a rule with subject_metrics, by subject and by what the rule alone says.",
            ),
            &["rule", "subject", "decision"],
        )?;
        registry.register(Box::new(decisions.clone()))?;
        Ok(Self { decisions, known: Mutex::default() })
    }

    /// Notes a decision about a request with these parts.
    pub(crate) fn record(&self, outcome: &Outcome, parts: &[Attributes<'_>]) {
        for limits in outcome.limits.chunk_by(|one, next| (one.part, one.rule) == (next.part, next.rule)) {
            let allowed = limits.iter().all(|limit| limit.allowed);
            self.note(outcome, parts, (limits[0].part, limits[0].rule), allowed);
        }
        for met in &outcome.unlimited {
            self.note(outcome, parts, *met, true);
        }
    }

    fn note(&self, outcome: &Outcome, parts: &[Attributes<'_>], (part, rule): (usize, usize), allowed: bool) {
        let rule = outcome.policy().rule(rule);
        let Some(attributes) = parts.get(part).filter(|_| rule.has_subject_metrics()) else {
            return;
        };
        let mut subject = printable(&rule.subject(attributes).join(","));
        if let Some((end, _)) = subject.char_indices().nth(KEPT) {
            subject.truncate(end);
        }
        let decision = if allowed { "allow" } else { "deny" };
        let subject = self.label(rule.name(), subject);
        self.decisions.with_label_values(&[rule.name(), &subject, decision]).inc();
    }

    /// The subject itself, as long as there is room for one more.
    fn label(&self, rule: &str, subject: String) -> String {
        let key = (rule.to_owned(), subject);
        let mut known = self.known.lock();
        if !known.contains(&key) {
            if known.len() == MOST_SUBJECTS {
                return OTHERS.to_owned();
            }
            known.insert(key.clone());
        }
        key.1
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;
    use ratekeeper_engine::{Engine, Request};
    use ratekeeper_policy::Policy;

    use super::*;

    #[test]
    fn series_are_bounded_and_only_of_rules_that_ask_for_them() {
        let source = "
rules:
  - { name: seen, key: user, limits: 1 per day, subject_metrics: true }
  - { name: unseen, key: user, limits: 9 per day }
";
        let engine = Engine::new(Policy::parse(source, "p", &|_| None).unwrap()).unwrap();
        let registry = Registry::new();
        let metrics = SubjectMetrics::new(&registry).unwrap();
        let ask = |user: &str| {
            let attributes = Attributes { user: Some(user), ..Attributes::default() };
            metrics.record(&engine.check_now(&Request::new(attributes)).unwrap(), &[attributes]);
        };
        ask("alice\n");
        ask("alice\n");
        (0..2 * MOST_SUBJECTS).for_each(|user| ask(&user.to_string()));
        let page = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let line = |decision: &str, subject: &str| {
            format!(
                r#"ratekeeper_subject_decisions_total{{decision="{decision}",rule="seen",subject="{subject}"}} "#
            )
        };
        assert!(page.contains(&(line("deny", r"alice\\u{a}") + "1\n")), "{page}");
        assert!(page.contains(&(line("allow", OTHERS) + "1001\n")));
        assert!(page.lines().count() < MOST_SUBJECTS + 10 && !page.contains("unseen"));
    }
}

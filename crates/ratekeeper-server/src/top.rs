//! The subjects that are refused most, in bounded memory.

use std::collections::HashMap;

use parking_lot::Mutex;
use ratekeeper_engine::Outcome;
use ratekeeper_policy::Attributes;

/// How many subjects are counted at once.
pub(crate) const MOST_SUBJECTS: usize = 256;
/// The most characters of a part of a subject that are kept.
const KEPT: usize = 128;

/// Counts refused subjects by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005): who is refused more often than
/// one in [`MOST_SUBJECTS`] of all refusals is among them for sure, and no count is too low.
#[derive(Debug, Default)]
pub(crate) struct RefusedSubjects(Mutex<SpaceSaving>);

/// A subject and how often it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedSubject {
    pub(crate) rule: String,
    pub(crate) key: Vec<String>,
    /// How often, at most.
    pub(crate) refused: u64,
    /// By how much that may be too high.
    pub(crate) overestimate: u64,
}

impl RefusedSubjects {
    /// Notes a refusal, unless somebody else is doing so at this moment: decisions never wait for it.
    pub(crate) fn record(&self, outcome: &Outcome, parts: &[Attributes<'_>]) {
        let Some(mut counts) = self.0.try_lock() else {
            return;
        };
        let mut last = None;
        for limit in outcome.refusing() {
            // Several limits of one rule refuse one subject.
            if last.replace((limit.part, limit.rule)) == Some((limit.part, limit.rule)) {
                continue;
            }
            let (rule, Some(attributes)) = (outcome.rule(limit), parts.get(limit.part)) else {
                continue;
            };
            let mut key = rule.subject(attributes);
            key.iter_mut().for_each(shorten);
            counts.add((rule.name().to_owned(), key));
        }
    }

    /// The most refused, the most often first.
    pub(crate) fn most(&self, count: usize) -> Vec<RefusedSubject> {
        let counts = self.0.lock().counts.clone();
        let mut all: Vec<_> = counts.into_iter().collect();
        all.sort_by(|a, b| b.1.refused.cmp(&a.1.refused).then_with(|| a.0.cmp(&b.0)));
        let subject = |((rule, key), Count { refused, overestimate })| RefusedSubject {
            rule,
            key,
            refused,
            overestimate,
        };
        all.into_iter().take(count).map(subject).collect()
    }
}

fn shorten(part: &mut String) {
    if let Some((end, _)) = part.char_indices().nth(KEPT) {
        part.truncate(end);
        part.push('…');
    }
}

type Subject = (String, Vec<String>);

#[derive(Clone, Copy, Debug)]
struct Count {
    refused: u64,
    overestimate: u64,
}

#[derive(Debug, Default)]
struct SpaceSaving {
    counts: HashMap<Subject, Count>,
}

impl SpaceSaving {
    fn add(&mut self, subject: Subject) {
        if let Some(count) = self.counts.get_mut(&subject) {
            count.refused += 1;
            return;
        }
        let mut overestimate = 0;
        if self.counts.len() >= MOST_SUBJECTS {
            // The least counted makes way; the new one may have been refused as often without being seen.
            let least = self.counts.iter().min_by_key(|(_, count)| count.refused);
            if let Some((least, count)) = least.map(|(subject, count)| (subject.clone(), *count)) {
                self.counts.remove(&least);
                overestimate = count.refused;
            }
        }
        self.counts.insert(subject, Count { refused: overestimate + 1, overestimate });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heavy_ones_are_found_among_many() {
        let mut counts = SpaceSaving::default();
        let mut exact: HashMap<u64, u64> = HashMap::new();
        // A fixed sequence: one in three is one of five heavy ones, the others are nearly all different.
        let mut state = 7_u64;
        for _ in 0..100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = state >> 33;
            let subject = if draw.is_multiple_of(3) {
                draw % 5
            } else {
                10 + draw % 50_000
            };
            *exact.entry(subject).or_default() += 1;
            counts.add(("rule".into(), vec![subject.to_string()]));
        }
        assert_eq!(counts.counts.len(), MOST_SUBJECTS);
        for ((_, key), count) in &counts.counts {
            let real = exact[&key[0].parse().unwrap()];
            assert!(count.refused >= real && count.refused - count.overestimate <= real, "{key:?}");
        }
        for heavy in 0..5_u64 {
            assert!(counts.counts.contains_key(&("rule".to_owned(), vec![heavy.to_string()])), "{heavy}");
        }
    }
}

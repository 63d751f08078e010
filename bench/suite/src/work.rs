//! A workload: which keys, in which order, by how many threads.

use std::sync::Arc;
use std::sync::Barrier;
use std::time::Instant;

use crate::subject::Subject;

/// What a subject is asked.
#[derive(Clone, Debug)]
pub struct Work {
    /// All keys, once each.
    pub keys: Arc<Vec<String>>,
    /// The keys as they are asked for, again and again from the beginning; a power of two of them. They lie in memory in this
    /// order: a request brings its key along, and what is measured is the limiter, not a table of keys.
    pub asked: Arc<Vec<String>>,
    /// Costs by the place in the order; all 1 if absent.
    pub costs: Option<Arc<Vec<u32>>>,
    pub threads: usize,
}

/// What a round of a subject came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ran {
    /// Nanoseconds that a thread spent on a check.
    pub nanos: f64,
    /// How many were admitted.
    pub admitted: u64,
    /// From before the first to after the last.
    pub seconds: f64,
}

impl Work {
    /// One key.
    pub fn hot(keys: &Arc<Vec<String>>, threads: usize) -> Self {
        Self::over(keys, &[0], threads)
    }

    /// These keys in the order of these indices.
    pub fn over(keys: &Arc<Vec<String>>, order: &[u32], threads: usize) -> Self {
        assert!(order.len().is_power_of_two());
        let asked = order.iter().map(|index| keys[*index as usize].clone()).collect();
        Self { keys: Arc::clone(keys), asked: Arc::new(asked), costs: None, threads }
    }

    /// Asks for every key once, so that all are known.
    pub fn fill(&self, subject: &impl Subject) {
        for key in self.keys.iter() {
            subject.check(key);
        }
    }

    /// Runs `checks` on every thread, each on a core of its own. The threads start at different places of the order.
    pub fn run(&self, subject: &impl Subject, checks: usize) -> Ran {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let barrier = Barrier::new(self.threads);
        let spans: Vec<Span> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let (barrier, core) = (&barrier, cores.get(thread).copied());
                    scope.spawn(move || {
                        core.map(core_affinity::set_for_current);
                        barrier.wait();
                        self.run_thread(subject, thread, checks)
                    })
                })
                .collect();
            started.into_iter().map(|thread| thread.join().expect("a subject panicked")).collect()
        });
        let seconds = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64();
        let busy: f64 = spans.iter().map(|span| seconds(span.start, span.end)).sum();
        let first = spans.iter().map(|span| span.start).min();
        let last = spans.iter().map(|span| span.end).max();
        Ran {
            nanos: busy * 1e9 / (checks * self.threads) as f64,
            admitted: spans.iter().map(|span| span.admitted).sum(),
            seconds: first.zip(last).map_or(0.0, |(first, last)| seconds(first, last)),
        }
    }

    fn run_thread(&self, subject: &impl Subject, thread: usize, checks: usize) -> Span {
        let from = self.asked.len() / self.threads * thread;
        let start = Instant::now();
        let admitted = match &self.costs {
            None => self.each(from, checks, |key, _| subject.check(key)),
            Some(costs) => self.each(from, checks, |key, at| subject.take(key, costs[at])),
        };
        Span { start, end: Instant::now(), admitted }
    }

    #[inline(always)]
    fn each(&self, from: usize, checks: usize, mut ask: impl FnMut(&String, usize) -> bool) -> u64 {
        let (asked, mask) = (self.asked.as_slice(), self.asked.len() - 1);
        let mut admitted = 0;
        for at in from..from + checks {
            let place = at & mask;
            admitted += u64::from(ask(std::hint::black_box(&asked[place]), place));
        }
        admitted
    }
}

/// What a thread did.
struct Span {
    start: Instant,
    end: Instant,
    admitted: u64,
}

//! What each request asks for: drawn by its place in the run and the seed, so that a run can be repeated.

use std::ops::RangeInclusive;

use crate::zipf::Zipf;

/// Which keys are asked for how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// One key only.
    One,
    /// Every key as often as any other.
    Uniform,
    /// The key of rank k with a share of 1/k^s.
    Zipf(f64),
}

/// What one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The number of its key.
    pub(crate) key: u64,
    pub(crate) cost: u64,
}

/// Draws what requests ask for.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    seed: u64,
    keys: u64,
    zipf: Option<Zipf>,
    cost: RangeInclusive<u64>,
}

impl Draw {
    pub(crate) fn new(seed: u64, keys: u64, distribution: Distribution, cost: RangeInclusive<u64>) -> Self {
        let (keys, zipf) = match distribution {
            Distribution::One => (1, None),
            Distribution::Uniform => (keys, None),
            Distribution::Zipf(exponent) => (keys, Some(Zipf::new(keys, exponent))),
        };
        Self { seed, keys, zipf, cost }
    }

    /// How many keys there are.
    pub(crate) fn keys(&self) -> u64 {
        self.keys
    }

    /// The request of this place.
    pub(crate) fn question(&self, index: u64) -> Question {
        let mut numbers = Numbers(mixed(self.seed) ^ mixed(index.wrapping_add(1)));
        let key = match &self.zipf {
            Some(zipf) => zipf.draw(&mut numbers) - 1,
            None => numbers.below(self.keys),
        };
        let spread = (self.cost.end() - self.cost.start()).saturating_add(1);
        let cost = if spread == 1 {
            *self.cost.start()
        } else {
            self.cost.start() + numbers.below(spread)
        };
        Question { key, cost }
    }
}

/// Numbers that look random: SplitMix64.
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below the bound.
    fn below(&mut self, bound: u64) -> u64 {
        // The upper half of a product: even to 2^-64 of the bound.
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or_default()
    }

    /// A number from 0 up to 1, without it.
    #[allow(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "53 bits are what a float holds"
    )]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(draw: &Draw, draws: u64) -> Vec<u64> {
        let mut counts = vec![0; usize::try_from(draw.keys()).unwrap()];
        for index in 0..draws {
            counts[usize::try_from(draw.question(index).key).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn a_run_can_be_repeated_and_another_seed_is_another_run() {
        let draw = |seed| Draw::new(seed, 1000, Distribution::Zipf(0.99), 1..=100);
        let run = |seed| (0..100).map(|index| draw(seed).question(index)).collect::<Vec<_>>();
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn uniform_keys_are_asked_for_equally_often() {
        let counts = counts(&Draw::new(1, 10, Distribution::Uniform, 1..=1), 100_000);
        // Ten standard deviations of 95.
        assert!(counts.iter().all(|count| (9_050..=10_950).contains(count)), "{counts:?}");
    }

    #[test]
    fn one_key_is_one_key_and_costs_stay_in_their_range() {
        let draw = Draw::new(1, 500, Distribution::One, 3..=5);
        let questions: Vec<_> = (0..1000).map(|index| draw.question(index)).collect();
        assert!(questions.iter().all(|question| question.key == 0 && (3..=5).contains(&question.cost)));
        for cost in 3..=5 {
            assert!(questions.iter().any(|question| question.cost == cost));
        }
    }

    /// The share of the key of rank k is k^-s / H, as the sums say.
    #[test]
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
    fn keys_of_zipf_have_the_shares_of_their_ranks() {
        for exponent in [0.5, 0.99, 1.0, 1.5] {
            let draws = 200_000;
            let counts = counts(&Draw::new(3, 100, Distribution::Zipf(exponent), 1..=1), draws);
            let harmonic: f64 = (1..=100).map(|rank| f64::from(rank).powf(-exponent)).sum();
            for (rank, count) in (1..=100).zip(&counts) {
                let expected = draws as f64 * f64::from(rank).powf(-exponent) / harmonic;
                let deviation = (*count as f64 - expected).abs();
                assert!(deviation < 6.0 * expected.sqrt(), "{exponent}, rank {rank}: {count}, {expected}");
            }
        }
    }
}

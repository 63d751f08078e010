//! Whether something grows over time, said robustly: one odd sample changes nothing.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "an estimate over real numbers"
)]

use serde::Serialize;

/// Fewer samples say nothing.
const LEAST: usize = 8;
/// The most samples that are compared with each other.
const COMPARED: usize = 300;
/// Growth over the whole time that is worth telling: a share of the median, and bytes.
const SHARE: f64 = 0.02;
const BYTES: f64 = 1024.0 * 1024.0;
/// Of pairs of samples, how many more must rise than fall. Pure noise stays near 0.
const CONCORDANCE: f64 = 0.5;

/// How a series of samples goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Trend {
    /// The median of the slopes of all pairs (Theil and Sen), a second.
    pub(crate) per_second: f64,
    /// How many more pairs rise than fall, from -1 to 1 (Kendall).
    pub(crate) concordance: f64,
    /// Whether it grows, by more than 2 % and 1 MiB over the time that was looked at.
    pub(crate) grows: bool,
}

/// The trend of samples: seconds, and what was seen then. The first quarter is left out: whatever is filled at first is not
/// what grows on. `None` of fewer than eight.
pub(crate) fn trend(samples: &[(f64, f64)]) -> Option<Trend> {
    let steady = samples.get(samples.len() / 4..).filter(|_| samples.len() >= LEAST)?;
    let step = steady.len().div_ceil(COMPARED);
    let chosen: Vec<_> = steady.iter().step_by(step).copied().collect();
    let mut slopes = Vec::with_capacity(chosen.len() * chosen.len() / 2);
    let mut signs = 0.0;
    for (place, (at, value)) in chosen.iter().enumerate() {
        for (later, other) in &chosen[place + 1..] {
            if later > at {
                slopes.push((other - value) / (later - at));
                signs += if other > value {
                    1.0
                } else if other < value {
                    -1.0
                } else {
                    0.0
                };
            }
        }
    }
    let per_second = median(&mut slopes)?;
    let concordance = signs / slopes.len() as f64;
    let seconds = chosen.last()?.0 - chosen.first()?.0;
    let typical = median(&mut chosen.iter().map(|(_, value)| *value).collect::<Vec<_>>())?;
    let growth = per_second * seconds;
    let grows = growth > BYTES.max(SHARE * typical) && concordance > CONCORDANCE;
    Some(Trend { per_second, concordance, grows })
}

fn median(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1024.0 * 1024.0;

    fn samples(count: u32, value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..count).map(|second| (f64::from(second), value(f64::from(second)))).collect()
    }

    /// A number that looks random, from -1 to 1.
    fn noise(at: f64) -> f64 {
        (at * 12.9898).sin() * 43758.5453 % 1.0
    }

    #[test]
    fn what_leaks_grows_also_through_noise() {
        let trend = trend(&samples(200, |at| 100.0 * MIB + 0.2 * MIB * at + 2.0 * MIB * noise(at))).unwrap();
        assert!(trend.grows && (trend.per_second / MIB - 0.2).abs() < 0.02, "{trend:?}");
    }

    #[test]
    fn noise_and_a_jump_do_not() {
        assert!(!trend(&samples(200, |at| 100.0 * MIB + 8.0 * MIB * noise(at))).unwrap().grows);
        let jump = |at: f64| if at == 150.0 { 900.0 * MIB } else { 100.0 * MIB };
        assert_eq!(trend(&samples(200, jump)).unwrap().per_second, 0.0);
        // It fills up at first, and stays full.
        assert!(!trend(&samples(200, |at| MIB * at.min(40.0))).unwrap().grows);
    }

    #[test]
    fn a_few_samples_say_nothing() {
        assert_eq!(trend(&samples(7, |at| at * MIB)), None);
        assert!(trend(&samples(8, |at| at * 10.0 * MIB)).unwrap().grows);
        assert!(trend(&samples(100_000, |at| at * MIB)).unwrap().grows, "many are thinned out");
    }
}

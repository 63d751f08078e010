//! Keys, and the order in which they are asked for; the same seed gives the same of both.

/// How long the order of a workload is before it begins again; a power of two.
pub const ORDER: usize = 1 << 20;

/// splitmix64: small, and good enough to choose keys.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, without it.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// From 0 to 1, without it.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// So many different strings of 14 bytes: `user:000000000` and so on for seed 0, others in another order for other seeds.
pub fn keys(count: usize, seed: u64) -> Vec<String> {
    const NUMBERS: u64 = 1_000_000_000;
    let mut random = Random::new(seed);
    let (first, step) = match seed {
        0 => (0, 1),
        // Steps that end with 1 meet every number before they come back to the first.
        _ => (random.next() % NUMBERS, random.next() % (NUMBERS / 10) * 10 + 1),
    };
    (0..count as u64)
        .map(|index| format!("user:{:09}", (first + index * step) % NUMBERS))
        .collect()
}

/// Every key as often as any other, in no order.
pub fn uniform(keys: usize, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed ^ 0xa5a5);
    (0..ORDER).map(|_| random.below(keys) as u32).collect()
}

/// The key of rank r as often as r^-`skew` says; ranks are spread over the keys by chance.
pub fn zipf(keys: usize, skew: f64, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed ^ 0x5a5a);
    let mut sum = 0.0;
    let upto: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-skew);
            sum
        })
        .collect();
    let mut place: Vec<u32> = (0..keys as u32).collect();
    for end in (1..keys).rev() {
        place.swap(end, random.below(end + 1));
    }
    (0..ORDER)
        .map(|_| {
            let drawn = random.fraction() * sum;
            place[upto.partition_point(|upto| *upto <= drawn).min(keys - 1)]
        })
        .collect()
}

/// Costs from 1 to 1000, small ones more often: as many below 32 as above.
pub fn costs(seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed ^ 0xc057);
    (0..ORDER).map(|_| 1000_f64.powf(random.fraction()).round() as u32).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_differ_and_have_14_bytes() {
        for seed in [0, 1, 7] {
            let keys = keys(100_000, seed);
            assert!(keys.iter().all(|key| key.len() == 14));
            assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        }
        assert_ne!(keys(2, 1), keys(2, 2));
    }

    #[test]
    fn zipf_prefers_few_keys() {
        let order = zipf(1000, 0.99, 1);
        let mut times = vec![0; 1000];
        for key in order {
            times[key as usize] += 1;
        }
        times.sort_unstable();
        // 1 / sum of r^-0.99 over a thousand ranks is 0.13.
        let share = f64::from(times[999]) / ORDER as f64;
        assert!((0.12..0.14).contains(&share), "{share}");
    }

    #[test]
    fn costs_lie_between_1_and_1000() {
        assert!(costs(1).iter().all(|cost| (1..=1000).contains(cost)));
    }
}

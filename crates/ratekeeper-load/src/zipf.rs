//! Zipf's distribution over any number of keys, without a table.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a distribution of real numbers; every rank is below 2^53"
)]

use crate::draw::Numbers;

/// Draws ranks by rejection from the inverted integral of 1/x^s (Hörmann and Derflinger, 1996).
#[derive(Clone, Debug)]
pub(crate) struct Zipf {
    most: f64,
    exponent: f64,
    /// The integral up to half a step beyond the last rank, and where it begins for the first.
    upper: f64,
    lower: f64,
    /// A rank this little above its x is taken without looking.
    squeeze: f64,
}

impl Zipf {
    /// Ranks from 1 to `most`.
    pub(crate) fn new(most: u64, exponent: f64) -> Self {
        let most = most.max(1) as f64;
        let mut zipf = Self { most, exponent, upper: 0.0, lower: 0.0, squeeze: 0.0 };
        zipf.upper = zipf.integral(most + 0.5);
        zipf.lower = zipf.integral(1.5) - 1.0;
        zipf.squeeze = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.height(2.0));
        zipf
    }

    pub(crate) fn draw(&self, numbers: &mut Numbers) -> u64 {
        loop {
            let area = self.upper + numbers.unit() * (self.lower - self.upper);
            let x = self.inverse(area);
            let rank = (x + 0.5).floor().clamp(1.0, self.most);
            if rank - x <= self.squeeze || area >= self.integral(rank + 0.5) - self.height(rank) {
                return rank as u64;
            }
        }
    }

    fn height(&self, x: f64) -> f64 {
        x.powf(-self.exponent)
    }

    fn integral(&self, x: f64) -> f64 {
        let log = x.ln();
        // (x^(1-s) - 1) / (1-s), which is ln x where s is 1.
        share_of_exponential((1.0 - self.exponent) * log) * log
    }

    fn inverse(&self, area: f64) -> f64 {
        let scaled = (area * (1.0 - self.exponent)).max(-1.0);
        (share_of_logarithm(scaled) * area).exp()
    }
}

/// (e^x - 1) / x, also near 0.
fn share_of_exponential(x: f64) -> f64 {
    if x.abs() > 1e-8 {
        x.exp_m1() / x
    } else {
        1.0 + x / 2.0
    }
}

/// ln(1 + x) / x, also near 0.
fn share_of_logarithm(x: f64) -> f64 {
    if x.abs() > 1e-8 {
        x.ln_1p() / x
    } else {
        1.0 - x / 2.0
    }
}

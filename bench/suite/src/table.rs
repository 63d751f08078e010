//! What was measured, as it is printed and kept.

use serde::{Deserialize, Serialize};

/// Many measurements of one thing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    /// The middle one, and the two between which the middle half lies.
    pub fn of(all: &[f64]) -> Self {
        let mut sorted = all.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |quarters: usize| sorted[((sorted.len() - 1) * quarters + 2) / 4];
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// How many were admitted, of how many that may be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Exact {
    pub admitted: u64,
    pub most: u64,
}

/// One subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub subject: String,
    pub value: Spread,
    /// To the base of the table, round by round.
    pub ratio: Option<Spread>,
    pub exact: Option<Exact>,
}

impl Row {
    pub fn of(subject: &str, values: &[f64], ratios: Option<Vec<f64>>, exact: Option<Exact>) -> Self {
        let ratio = ratios.map(|ratios| Spread::of(&ratios));
        Self { subject: subject.to_owned(), value: Spread::of(values), ratio, exact }
    }
}

/// One workload, all subjects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// By which the report finds it.
    pub name: String,
    pub title: String,
    pub unit: String,
    /// What ratios are to.
    pub base: Option<String>,
    pub rows: Vec<Row>,
}

impl Table {
    /// A table, which is printed at once.
    pub fn new(name: &str, title: &str, unit: &str, base: Option<&str>, rows: Vec<Row>) -> Self {
        let [name, title, unit] = [name, title, unit].map(str::to_owned);
        let table = Self { name, title, unit, base: base.map(str::to_owned), rows };
        println!("{}", table.text());
        table
    }

    pub fn row(&self, subject: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.subject == subject)
    }

    /// For a terminal.
    fn text(&self) -> String {
        let mut lines = vec![format!(
            "\n{}\n{:<44} {:>10} {:>21} {:>7}   exact",
            self.title, "", self.unit, "middle half", "ratio"
        )];
        for row in &self.rows {
            let Spread { low, median, high } = row.value;
            let half = format!("{}..{}", figure(low), figure(high));
            let ratio = row.ratio.map_or(String::new(), |ratio| format!("{:.2}", ratio.median));
            let exact = row.exact.map_or(String::new(), |exact| exact.text());
            let line = format!("{:<44} {:>10} {half:>21} {ratio:>7}   {exact}", row.subject, figure(median));
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }
}

impl Exact {
    pub fn text(self) -> String {
        format!("{} / {}", self.admitted, self.most)
    }
}

/// Three digits that matter; thousands apart.
pub fn figure(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Cost against something, for a plot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curve {
    pub name: String,
    pub title: String,
    pub x: String,
    pub y: String,
    pub series: Vec<Series>,
}

/// One line of a plot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    pub subject: String,
    pub points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: Spread,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_that_matter() {
        for (value, text) in [
            (9.876, "9.88"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1234.0, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn the_middle_half_of_seven() {
        let spread = Spread::of(&[7.0, 1.0, 2.0, 6.0, 3.0, 5.0, 4.0]);
        assert_eq!((spread.low, spread.median, spread.high), (3.0, 4.0, 6.0));
        let one = Spread::of(&[2.5]);
        assert_eq!((one.low, one.median, one.high), (2.5, 2.5, 2.5));
    }
}

//! What the key paths may cost: a line for each in a committed file, beside which a new count is held.

use std::fmt::Write as _;

/// What a path costs, for a thousand operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) path: String,
    pub(super) instructions: u64,
    pub(super) allocations: u64,
}

/// The costs of all paths, and the compiler that made them so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Baseline {
    pub(super) compiler: String,
    pub(super) costs: Vec<Cost>,
}

/// How a count differs from the baseline.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// What must not be: each a line.
    pub(super) worse: Vec<String>,
    /// What can be accepted, so that it stays so.
    pub(super) better: Vec<String>,
}

/// Up to this many thousandths more instructions are taken for chance: hashes are seeded by it.
const TOLERATED: u64 = 30;
/// Allocations are steady but for tables that grow: a tenth of one, for an operation, is more than these vary.
const ALLOCATIONS_TOLERATED: u64 = 100;

const HEAD: &str = "# What a thousand operations of each path cost: `cargo xtask bench instructions` compares, CI as well.
# Counted by valgrind; see docs/performance.md. A change that is meant: `cargo xtask bench instructions --accept`.
";

impl Baseline {
    /// Reads the file; lines that are none are left out.
    pub(super) fn parse(text: &str) -> Self {
        let mut baseline = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(compiler) = line.strip_prefix("compiler ") {
                baseline.compiler = compiler.trim().to_owned();
            }
            if let [path, instructions, allocations] = line.split_whitespace().collect::<Vec<_>>()[..]
                && let (Ok(instructions), Ok(allocations)) = (instructions.parse(), allocations.parse())
            {
                baseline.costs.push(Cost { path: path.to_owned(), instructions, allocations });
            }
        }
        baseline
    }

    /// Writes the file.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{HEAD}compiler {}\n", self.compiler);
        text.push_str(&format!("{:<42} {:>13} {:>12}\n", "# path", "instructions", "allocations"));
        for Cost { path, instructions, allocations } in &self.costs {
            // Writing to a string does not fail.
            _ = writeln!(text, "{path:<42} {instructions:>13} {allocations:>12}");
        }
        text
    }

    /// How `now` differs from this baseline.
    pub(super) fn compare(&self, now: &[Cost]) -> Difference {
        let mut difference = Difference::default();
        for cost in now {
            match self.costs.iter().find(|known| known.path == cost.path) {
                Some(known) => difference.compare(known, cost),
                None => difference.worse.push(format!("{}: not in the baseline", cost.path)),
            }
        }
        let gone = self.costs.iter().filter(|known| now.iter().all(|cost| cost.path != known.path));
        difference
            .worse
            .extend(gone.map(|known| format!("{}: in the baseline, but not counted", known.path)));
        difference
    }
}

impl Difference {
    fn compare(&mut self, known: &Cost, now: &Cost) {
        let (old, new) = (known.instructions, now.instructions);
        let line = || {
            format!(
                "{}: {} instructions, {} before ({})",
                now.path,
                new / 1000,
                old / 1000,
                percent(old, new)
            )
        };
        if new * 1000 > old * (1000 + TOLERATED) {
            self.worse.push(line());
        } else if new * 1000 < old * (1000 - TOLERATED) {
            self.better.push(line());
        }
        let (old, new) = (known.allocations, now.allocations);
        let line = || format!("{}: {} allocations, {} before", now.path, decimal(new), decimal(old));
        if new > old + ALLOCATIONS_TOLERATED {
            self.worse.push(line());
        } else if new + ALLOCATIONS_TOLERATED < old {
            self.better.push(line());
        }
    }
}

/// By how much `new` is more or less, to a tenth of a percent.
fn percent(old: u64, new: u64) -> String {
    let thousandths = new.abs_diff(old) * 1000 / old.max(1);
    let sign = if new > old { '+' } else { '-' };
    format!("{sign}{}.{} %", thousandths / 10, thousandths % 10)
}

/// A number of thousandths, to a tenth.
fn decimal(thousandths: u64) -> String {
    format!("{}.{}", thousandths / 1000, thousandths % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(path: &str, instructions: u64, allocations: u64) -> Cost {
        Cost { path: path.to_owned(), instructions, allocations }
    }

    #[track_caller]
    fn check(now: Cost, worse: &[&str], better: &[&str]) {
        let baseline = Baseline { compiler: "1".to_owned(), costs: vec![cost("a", 100_000, 2000)] };
        let difference = baseline.compare(&[now]);
        assert_eq!((difference.worse, difference.better), (owned(worse), owned(better)));
    }

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn three_percent_are_chance_and_more_are_not() {
        check(cost("a", 100_000, 2000), &[], &[]);
        check(cost("a", 103_000, 2000), &[], &[]);
        check(cost("a", 103_001, 2000), &["a: 103 instructions, 100 before (+3.0 %)"], &[]);
        check(cost("a", 250_000, 2000), &["a: 250 instructions, 100 before (+150.0 %)"], &[]);
        check(cost("a", 97_000, 2000), &[], &[]);
        check(cost("a", 96_500, 2000), &[], &["a: 96 instructions, 100 before (-3.5 %)"]);
    }

    #[test]
    fn one_allocation_more_is_too_many() {
        check(cost("a", 100_000, 3000), &["a: 3.0 allocations, 2.0 before"], &[]);
        check(cost("a", 100_000, 2100), &[], &[]);
        check(cost("a", 100_000, 1000), &[], &["a: 1.0 allocations, 2.0 before"]);
    }

    #[test]
    fn every_path_is_in_both() {
        check(cost("b", 1, 0), &["b: not in the baseline", "a: in the baseline, but not counted"], &[]);
    }

    #[test]
    fn what_is_written_is_read() {
        let costs = vec![cost("limiter/a", 332_011, 0), cost("engine/b", 5_406_011, 12_000)];
        let baseline = Baseline { compiler: "rustc 1.95.0 (x 2026-03-21)".to_owned(), costs };
        assert_eq!(Baseline::parse(&baseline.text()), baseline);
        assert_eq!(Baseline::parse("# only\nsome words here\n"), Baseline::default());
    }
}

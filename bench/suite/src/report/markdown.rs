//! Tables as the page shows them.

use std::fmt::Write as _;

use crate::results::{Machine, Results};
use crate::table::{Curve, Row, Table, figure};

/// The command, and where and of what it was run.
pub fn origin(results: &Results) -> String {
    let Results { part, machine, seed, rounds, .. } = results;
    let Machine { cpu, cores, kernel, rustc, commit } = machine;
    format!(
        "`cargo xtask bench {part} --seed {seed} --rounds {rounds}`, commit {commit}, {rustc}; {cores} × {cpu}, {kernel}\n"
    )
}

/// A table with everything that is known of it.
pub fn table(table: &Table) -> String {
    let exact = table.rows.iter().any(|row| row.exact.is_some());
    let mut text = format!("\n**{}**\n\n| | {} | middle half |", table.title, table.unit);
    let mut line = "|---|---:|---:|".to_owned();
    if let Some(base) = &table.base {
        write!(text, " × {base} |").expect("a string");
        line.push_str("---:|");
    }
    if exact {
        text.push_str(" admitted / most |");
        line.push_str("---:|");
    }
    writeln!(text, "\n{line}").expect("a string");
    for row in &table.rows {
        let Row { subject, value, ratio, exact: admitted } = row;
        let half = format!("{} – {}", figure(value.low), figure(value.high));
        write!(text, "| {} | {} | {half} |", marked(subject), figure(value.median)).expect("a string");
        if table.base.is_some() {
            let ratio = ratio.map_or(String::new(), |ratio| format!("{:.2}", ratio.median));
            write!(text, " {ratio} |").expect("a string");
        }
        if exact {
            write!(text, " {} |", admitted.map_or(String::new(), |exact| exact.text())).expect("a string");
        }
        text.push('\n');
    }
    text
}

/// Ours in bold.
fn marked(subject: &str) -> String {
    if subject.starts_with("ratekeeper") {
        format!("**{subject}**")
    } else {
        subject.to_owned()
    }
}

/// Tables of the same rows, as columns.
pub fn side_by_side(tables: &[Table]) -> String {
    let columns: Vec<_> = tables.iter().map(|table| (table.title.as_str(), table)).collect();
    let rows = tables.first().map_or(&[][..], |table| &table.rows);
    columns_of(&columns, rows)
}

/// What a reader looks for first: the workloads as columns.
pub fn headline(checks: &Results, memory: Option<&Results>) -> String {
    let wanted = [
        ("hot-one", "hot key"),
        ("hot-all", "hot key, all cores"),
        ("hot-denied-all", "denied, all cores"),
        ("uniform-one", "many keys"),
        ("zipf-one", "many, Zipf 0.99"),
    ];
    let find = |name: &str| checks.tables.iter().find(|table| table.name == name);
    let mut columns: Vec<_> = wanted.iter().filter_map(|(name, title)| Some((*title, find(name)?))).collect();
    let bytes = memory.and_then(|memory| memory.tables.iter().find(|table| table.name == "bytes"));
    columns.extend(bytes.map(|table| ("bytes/key", table)));
    let rows = find("hot-one").map_or(&[][..], |table| &table.rows);
    let text = columns_of(&columns, rows);
    format!("{}{text}", origin(checks))
}

/// Medians, with ratios in brackets where they are to a base.
fn columns_of(columns: &[(&str, &Table)], rows: &[Row]) -> String {
    let mut text = "\n| |".to_owned();
    columns.iter().for_each(|(title, _)| write!(text, " {title} |").expect("a string"));
    writeln!(text, "\n|---|{}", "---:|".repeat(columns.len())).expect("a string");
    for Row { subject, .. } in rows {
        write!(text, "| {} |", marked(subject)).expect("a string");
        for (_, table) in columns {
            let cell = table.row(subject).map_or(String::new(), |row| {
                let median = figure(row.value.median);
                row.ratio.map_or(median.clone(), |ratio| format!("{median} ({:.2})", ratio.median))
            });
            write!(text, " {cell} |").expect("a string");
        }
        text.push('\n');
    }
    text
}

/// The numbers of a plot.
pub fn curve(curve: &Curve) -> String {
    let mut text = format!("\n| {} |", curve.x);
    curve
        .series
        .iter()
        .for_each(|series| write!(text, " {} |", marked(&series.subject)).expect("a string"));
    writeln!(text, "\n|---:|{}", "---:|".repeat(curve.series.len())).expect("a string");
    let points = curve.series.first().map_or(0, |series| series.points.len());
    for place in 0..points {
        let x = curve.series[0].points[place].x;
        write!(text, "| {x} |").expect("a string");
        for series in &curve.series {
            write!(text, " {} |", figure(series.points[place].y.median)).expect("a string");
        }
        text.push('\n');
    }
    text
}

/// The committed counts: of one operation, not of a thousand.
pub fn instructions(baseline: &str) -> String {
    let mut text = String::new();
    for line in baseline.lines() {
        if let Some(compiler) = line.strip_prefix("compiler ") {
            write!(text, "`cargo xtask bench instructions`, {compiler}\n\n| path | instructions | allocations |\n|---|---:|---:|\n")
                .expect("a string");
        }
        if let [path, instructions, allocations] = line.split_whitespace().collect::<Vec<_>>()[..]
            && let (Ok(instructions), Ok(allocations)) =
                (instructions.parse::<f64>(), allocations.parse::<f64>())
        {
            let instructions = figure((instructions / 1000.0).round());
            writeln!(text, "| {path} | {} | {} |", instructions.trim_end_matches(".0"), allocations / 1000.0)
                .expect("a string");
        }
    }
    text
}

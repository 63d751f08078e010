//! Peers in other languages: scripts that print one JSON object a line, `{"table", "title", "subject", "nanos": […]}`.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::results::Results;
use crate::table::{Row, Table};

/// Where the interpreters are that have the peers installed; a language without one is left out.
#[derive(Clone, Debug, clap::Args)]
pub struct Interpreters {
    /// Python, with limits, slowapi and fastapi.
    #[arg(long)]
    pub python: Option<PathBuf>,
    /// The folder with the `node_modules` that has rate-limiter-flexible.
    #[arg(long)]
    pub node_modules: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Line {
    table: String,
    title: String,
    subject: String,
    nanos: Vec<f64>,
}

pub fn run(interpreters: &Interpreters, seed: u64, results: &mut Results) {
    let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../peers");
    let mut lines = Vec::new();
    match &interpreters.python {
        Some(python) => {
            for script in ["in_memory.py", "middleware.py"] {
                lines.extend(said(Command::new(python).arg(scripts.join(script)).arg(seed.to_string())));
            }
        }
        None => println!("skipped: no Python with limits and slowapi"),
    }
    match &interpreters.node_modules {
        Some(modules) => {
            let mut node = Command::new("node");
            node.arg(scripts.join("in_memory.cjs")).arg(seed.to_string()).env("NODE_PATH", modules);
            lines.extend(said(&mut node));
        }
        None => println!("skipped: no Node with rate-limiter-flexible"),
    }
    while let Some(Line { table, title, .. }) = lines.first() {
        let (name, title) = (table.clone(), title.clone());
        let (own, others) = lines.into_iter().partition::<Vec<_>, _>(|line| line.table == name);
        let rows = own.iter().map(|line| Row::of(&line.subject, &line.nanos, None, None)).collect();
        results.add(Table::new(&name, &title, "ns", None, rows));
        lines = others;
    }
}

fn said(command: &mut Command) -> Vec<Line> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

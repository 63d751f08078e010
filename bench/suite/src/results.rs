//! The results of a part: on the disk, with what is to be known of the machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::options::Options;
use crate::table::{Curve, Table};

/// What a part has measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    pub part: String,
    pub machine: Machine,
    pub seed: u64,
    pub rounds: usize,
    pub tables: Vec<Table>,
    pub curves: Vec<Curve>,
}

/// Where it was measured, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    pub rustc: String,
    pub commit: String,
}

impl Results {
    pub fn new(part: &str, options: &Options) -> Self {
        Self {
            part: part.to_owned(),
            machine: Machine::here(),
            seed: options.seed,
            rounds: options.rounds,
            tables: Vec::new(),
            curves: Vec::new(),
        }
    }

    pub fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.json", self.part));
        fs::write(&path, serde_json::to_string_pretty(self)?)?;
        println!("\n{} written", path.display());
        Ok(())
    }

    /// The results of an earlier run, if there was one.
    pub fn read(folder: &Path, part: &str) -> std::io::Result<Option<Self>> {
        let path = folder.join(format!("{part}.json"));
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&fs::read(path)?)?))
    }
}

impl Machine {
    fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim());
        Self {
            cpu: model.to_owned(),
            cores: crate::parts::checks::cores(),
            kernel: said("uname", &["-sr"]),
            rustc: said("rustc", &["--version"]),
            commit: said(
                "git",
                &[
                    "-C",
                    env!("CARGO_MANIFEST_DIR"),
                    "describe",
                    "--always",
                    "--dirty",
                ],
            ),
        }
    }
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

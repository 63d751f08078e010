//! What processes take of the machine, and which processor they run on.

#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a measurement computes"
)]

use std::collections::HashMap;
use std::fs;
use std::process::Command;

/// Seconds that a process and its children have computed so far.
///
/// Those of children that have ended are gone: what is measured keeps its own.
#[must_use]
pub fn processor_seconds(process: u32) -> f64 {
    family(process).into_iter().map(of_process).sum()
}

/// Seconds that this process has computed so far, without its children.
#[must_use]
pub fn own_processor_seconds() -> f64 {
    of_process(std::process::id())
}

/// Bytes that a process and its children have for themselves in memory; what they share is counted once.
#[must_use]
pub fn memory_bytes(process: u32) -> u64 {
    family(process).into_iter().map(proportional).sum()
}

/// Lets a process run on one processor only; whether that could be done.
#[must_use]
pub fn pin(process: u32, processor: u32) -> bool {
    let taskset = Command::new("taskset")
        .args(["-acp", &processor.to_string(), &process.to_string()])
        .output();
    taskset.is_ok_and(|said| said.status.success())
}

fn of_process(process: u32) -> f64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return 0.0;
    };
    let nanos = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    tasks.flatten().filter_map(nanos).sum::<u64>() as f64 / 1e9
}

fn proportional(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The process and all that descend from it.
fn family(process: u32) -> Vec<u32> {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        if let (Some(id), Some(parent)) = (id, parent) {
            parents.insert(id, parent);
        }
    }
    let descends = |id: &u32| {
        std::iter::successors(Some(*id), |id| parents.get(id).copied())
            .take(8)
            .any(|id| id == process)
    };
    parents.keys().copied().filter(descends).collect()
}

//! `cargo xtask bench instructions`: what the key paths cost in instructions and allocations, which no other load of the
//! machine changes.
//!
//! valgrind runs each path in a process of its own, and counts what is done below one function. It shows the program the same
//! processor everywhere; what libc would choose by the features of the real one is switched off.

use std::fs;
use std::path::Path;

use super::baseline::{Baseline, Cost};
use crate::error::Error;
use crate::needs;
use crate::project::Project;

/// The committed file.
const FILE: &str = "bench/instructions/baseline.txt";
/// The function below which is counted.
const COUNTED: &str = "instructions::counted";
/// Copying and comparing of memory as every x86-64 can.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM";

/// Compares with the baseline; why not, if that would say nothing here.
pub(crate) fn check(project: &Project) -> Result<Option<String>, Error> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(Some("the baseline is of x86-64".to_owned()));
    }
    let path = project.root().join(FILE);
    let baseline = Baseline::parse(&fs::read_to_string(&path).map_err(Error::file(path))?);
    let compiler = compiler(project)?;
    if baseline.compiler != compiler {
        return Ok(Some(format!("the baseline is of {}, this is {compiler}", baseline.compiler)));
    }
    let now = count(project)?;
    let difference = baseline.compare(&now);
    difference.better.iter().for_each(|line| println!("less: {line}"));
    difference.worse.iter().for_each(|line| println!("MORE: {line}"));
    if !difference.worse.is_empty() {
        return Err(Error::Slower(difference.worse.len()));
    }
    if !difference.better.is_empty() {
        println!("keep it so: `cargo xtask bench instructions --accept`");
    }
    println!("{} paths cost what they did", now.len());
    Ok(None)
}

/// Makes what is counted now the baseline.
pub(crate) fn accept(project: &Project) -> Result<(), Error> {
    let baseline = Baseline { compiler: compiler(project)?, costs: count(project)? };
    let path = project.root().join(FILE);
    fs::write(&path, baseline.text()).map_err(Error::file(path))?;
    println!("{FILE} written: commit it, and say in the message why it changed");
    Ok(())
}

fn compiler(project: &Project) -> Result<String, Error> {
    let said = project.command("rustc").arg("--version").output()?;
    Ok(String::from_utf8_lossy(said.trim_ascii()).into_owned())
}

/// What each path costs.
fn count(project: &Project) -> Result<Vec<Cost>, Error> {
    needs::install(project, needs::INSTRUCTIONS)?;
    project.cargo().args(["build", "--profile", "dist", "--package", "instructions"]).run()?;
    let target = project.target()?;
    let program = target.join("dist/instructions");
    let listed = project.command(&program.to_string_lossy()).arg("--list").output()?;
    let found = target.join("bench/callgrind.out");
    fs::create_dir_all(target.join("bench")).map_err(Error::file(&target))?;
    println!("{:<42} {:>12} {:>12}", "an operation of", "instructions", "allocations");
    String::from_utf8_lossy(&listed)
        .lines()
        .map(|path| count_one(project, &program, path, &found))
        .collect()
}

fn count_one(project: &Project, program: &Path, path: &str, found: &Path) -> Result<Cost, Error> {
    let said = project
        .command("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", found.display()))
        .arg(program)
        .arg(path)
        .env("GLIBC_TUNABLES", TUNABLES)
        .output()?;
    let text = fs::read_to_string(found).map_err(Error::file(found))?;
    let cost = cost(path, &String::from_utf8_lossy(&said), &text);
    let cost = cost.ok_or_else(|| Error::NotCounted { path: path.to_owned() })?;
    println!("{path:<42} {:>12} {:>12}", cost.instructions / 1000, cost.allocations / 1000);
    Ok(cost)
}

/// From what the program said, how many operations and allocations it made, and what callgrind wrote.
fn cost(path: &str, said: &str, callgrind: &str) -> Option<Cost> {
    let (operations, allocations) = said.trim().split_once(' ')?;
    let operations: u64 = operations.parse().ok()?;
    let line = callgrind.lines().find_map(|line| line.strip_prefix("totals: "))?;
    let instructions: u64 = line.trim().parse().ok()?;
    let of_a_thousand = |count: u64| count.checked_mul(1000)?.checked_div(operations);
    // Nothing is counted if the function is not found by its name.
    (instructions > 0).then_some(())?;
    Some(Cost {
        path: path.to_owned(),
        instructions: of_a_thousand(instructions)?,
        allocations: of_a_thousand(allocations.parse().ok()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, callgrind: &str, expected: Option<(u64, u64)>) {
        let found = cost("a", said, callgrind).map(|cost| (cost.instructions, cost.allocations));
        assert_eq!(found, expected);
    }

    #[test]
    fn costs_are_of_a_thousand_operations() {
        check("20000 9500\n", "events: Ir\nfn=x\n1 2\n\ntotals: 55000000\n", Some((2_750_000, 475)));
        check("1000 0\n", "totals: 332011\n", Some((332_011, 0)));
    }

    #[test]
    fn nothing_counted_is_an_error() {
        check("1000 0\n", "totals: 0\n", None);
        check("1000 0\n", "summary: 12\n", None);
        check("", "totals: 12\n", None);
    }
}

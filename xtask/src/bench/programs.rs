//! The benchmarks of crates that start servers: they print tables of their own, which are kept for the report.

use std::fs;

use crate::error::Error;
use crate::needs;
use crate::project::Project;

/// The server, over each of its protocols.
pub(super) const SERVER: &[&str] = &["http", "grpc", "resp"];
/// The stores over a network.
pub(super) const STORES: &[&str] = &["redis", "postgres", "memcached"];

/// Runs these benchmarks, one after the other.
pub(super) fn run(project: &Project, benches: &[&str]) -> Result<(), Error> {
    needs::install(project, needs::TESTS)?;
    needs::install(project, needs::BENCHMARKS)?;
    let folder = super::suite::results(project)?;
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    for bench in benches {
        let package = match SERVER.contains(bench) {
            true => "ratekeeper-server".to_owned(),
            false => format!("ratekeeper-{bench}"),
        };
        let said = project.cargo().args(["bench", "--package", &package, "--bench", bench]).shown()?;
        let path = folder.join(format!("{bench}.txt"));
        fs::write(&path, format!("{said}{}", origin(project)?)).map_err(Error::file(path))?;
    }
    Ok(())
}

/// The last line: what was measured, so that a report does not mix runs up.
fn origin(project: &Project) -> Result<String, Error> {
    let commit = project.command("git").args(["describe", "--always", "--dirty"]).output()?;
    let rustc = project.command("rustc").arg("--version").output()?;
    let [commit, rustc] = [commit, rustc].map(|text| String::from_utf8_lossy(text.trim_ascii()).into_owned());
    Ok(format!("(commit {commit}, {rustc})\n"))
}

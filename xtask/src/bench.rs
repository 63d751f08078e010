//! `cargo xtask bench`: the benchmarks.

use crate::error::Error;
use crate::needs;
use crate::project::Project;

/// Runs those of the library, or the one that is named first; other `args` are passed on to `cargo bench`.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<(), Error> {
    let (bench, args) = match args.split_first() {
        Some((first, rest)) if ["grpc", "http", "resp"].contains(&first.as_str()) => {
            needs::install(project, needs::BENCHMARKS)?;
            (["--package", "ratekeeper-server", "--bench", first.as_str()], rest)
        }
        _ => (["--package", "ratekeeper", "--bench", "in_process"], args),
    };
    project.cargo().arg("bench").args(bench).args(args).run()
}

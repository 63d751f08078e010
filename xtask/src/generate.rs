//! Files of this repository that its own program writes.

use std::fs;

use crate::error::Error;
use crate::project::Project;

/// One generated file: where it is, and the arguments of `ratekeeper` that print it.
#[derive(Debug)]
struct Generated {
    path: &'static str,
    args: &'static [&'static str],
}

const GENERATED: &[Generated] = &[Generated { path: "docs/reference/policy.schema.json", args: &["schema"] }];

/// Writes every generated file.
pub(crate) fn write(project: &Project) -> Result<(), Error> {
    for file in GENERATED {
        let path = project.root().join(file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        fs::write(&path, print(project, file)?).map_err(Error::file(&path))?;
        println!("wrote {}", file.path);
    }
    Ok(())
}

/// Compares every generated file with what would be written.
pub(crate) fn check(project: &Project) -> Result<(), Error> {
    let mut stale = Vec::new();
    for file in GENERATED {
        let wanted = print(project, file)?;
        // A file that cannot be read is stale as well.
        if fs::read(project.root().join(file.path)).ok() != Some(wanted) {
            stale.push(file.path.to_owned());
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(Error::Stale { paths: stale })
    }
}

fn print(project: &Project, file: &Generated) -> Result<Vec<u8>, Error> {
    project
        .cargo()
        .args(["run", "--quiet", "--package", "ratekeeper-server", "--"])
        .args(file.args)
        .output()
}

//! Where the workspace is, and its cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::command::Cmd;
use crate::error::Error;

/// The workspace that a task works on.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
    cargo: OsString,
}

impl Project {
    /// The workspace that this program was built from, with the cargo that runs it.
    pub(crate) fn here() -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::at(own.parent().unwrap_or(own))
    }

    /// The workspace in `root`.
    #[allow(
        clippy::disallowed_methods,
        reason = "the command line's edge: cargo names itself in CARGO"
    )]
    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self { root: root.into(), cargo }
    }

    /// The folder of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The program that is cargo.
    pub(crate) fn cargo_program(&self) -> &OsString {
        &self.cargo
    }

    /// A cargo command in the folder of the workspace.
    pub(crate) fn cargo(&self) -> Cmd {
        Cmd::new(&self.cargo, &self.root)
    }

    /// Any other program in the folder of the workspace.
    pub(crate) fn command(&self, program: &str) -> Cmd {
        Cmd::new(program, &self.root)
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> Result<PathBuf, Error> {
        Ok(self.metadata(&self.root.join("Cargo.toml"))?.target_directory.into())
    }

    /// The members of the workspace.
    pub(crate) fn packages(&self) -> Result<Vec<Package>, Error> {
        self.packages_of(&self.root.join("Cargo.toml"))
    }

    /// The members of the workspace that a manifest belongs to: itself, if it is outside of any other.
    pub(crate) fn packages_of(&self, manifest: &Path) -> Result<Vec<Package>, Error> {
        Ok(self.metadata(manifest)?.packages)
    }

    fn metadata(&self, manifest: &Path) -> Result<Metadata, Error> {
        let metadata = MetadataCommand::new()
            .cargo_path(&self.cargo)
            .manifest_path(manifest)
            .no_deps()
            .other_options(vec!["--offline".to_owned()])
            .exec()?;
        Ok(metadata)
    }
}

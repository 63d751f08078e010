//! Folders in which servers run.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::program::is_root;

/// A new folder, which users other than root can reach as well. It goes when it is dropped, or when this process ends.
pub(crate) fn folder() -> TempDir {
    static ALL: OnceLock<PathBuf> = OnceLock::new();
    let new = |parent: &Path| {
        let folder = tempfile::Builder::new().prefix("testservers-").tempdir_in(parent).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        folder
    };
    new(ALL.get_or_init(|| {
        let all = new(&std::env::temp_dir()).keep();
        remove_at_end(&all);
        all
    }))
}

/// Leaves a shell behind that removes a folder when this process has ended, however it does: what is static is not dropped.
#[allow(clippy::zombie_processes, reason = "it ends after us")]
fn remove_at_end(folder: &Path) {
    // The input ends with us. What runs in the folder is told to end at the same time, and may need a moment to do so.
    const SCRIPT: &str =
        "trap '' HUP INT QUIT TERM; cat; for _ in 1 2 3 4 5; do rm -rf \"$0\" && break; sleep 1; done";
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let shell = command.spawn().unwrap();
    // Never closed by us.
    std::mem::forget(shell.stdin);
}

/// Makes a user the owner of a folder, if we are root and may.
pub(crate) fn give(folder: &Path, user: &str) {
    if is_root() {
        assert!(Command::new("chown").arg("-R").arg(user).arg(folder).status().unwrap().success());
    }
}

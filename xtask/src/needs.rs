//! The programs that tests and benchmarks start and how each is installed when it is missing.
//!
//! To make a server available to the tests, add its line to [`TESTS`].

use std::ffi::OsStr;
use std::path::Path;

use crate::error::Error;
use crate::project::Project;

/// A program and the Debian package that brings it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// Looked for in `PATH`, or a path of its own if it has a slash.
    program: &'static str,
    package: &'static str,
}

/// What the tests need beyond the Rust toolchain, one line each.
pub(crate) const TESTS: &[Need] = &[
    Need { program: "caddy", package: "caddy" },
    Need { program: "curl", package: "curl" },
    Need { program: "java", package: "default-jre-headless" },
    Need { program: "memcached", package: "memcached" },
    Need { program: "/usr/sbin/nginx", package: "nginx-light" },
    Need { program: "npm", package: "npm" },
    Need { program: "/usr/sbin/pgbouncer", package: "pgbouncer" },
    Need { program: "/usr/lib/postgresql/15/bin/postgres", package: "postgresql-15" },
    Need { program: "promtool", package: "prometheus" },
    Need { program: "redis-cli", package: "redis-tools" },
    Need { program: "redis-server", package: "redis-server" },
];

/// What the benchmarks need beyond it.
pub(crate) const BENCHMARKS: &[Need] = &[
    Need { program: "h2load", package: "nghttp2-client" },
    Need { program: "redis-benchmark", package: "redis-tools" },
    Need { program: "wrk", package: "wrk" },
];

/// What the suite of benchmarks needs.
pub(crate) const SUITE: &[Need] = &[Need { program: "redis-server", package: "redis-server" }];

/// What counts instructions.
pub(crate) const INSTRUCTIONS: &[Need] = &[Need { program: "valgrind", package: "valgrind" }];

/// Installs what is missing; does nothing, and needs no network, if nothing is.
#[allow(
    clippy::disallowed_methods,
    reason = "the command line's edge: PATH says what is installed"
)]
pub(crate) fn install(project: &Project, needs: &[Need]) -> Result<(), Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let absent = missing(needs, &path);
    if absent.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = absent.iter().map(|need| need.package).collect();
    install_packages(project, &packages)?;
    let absent = missing(needs, &path);
    if absent.is_empty() {
        return Ok(());
    }
    let programs: Vec<_> = absent.iter().map(|need| need.program).collect();
    Err(Error::Needs { programs: programs.join(", ") })
}

/// Installs packages of Debian.
pub(crate) fn install_packages(project: &Project, packages: &[&str]) -> Result<(), Error> {
    println!("installing {}", packages.join(", "));
    let apt = |args: &[&str]| {
        let root = project.command("id").arg("-u").output().is_ok_and(|id| id.trim_ascii() == b"0");
        let apt = if root {
            project.command("apt-get")
        } else {
            project.command("sudo").args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        };
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-o", "DPkg::Lock::Timeout=400"])
            .args(args)
    };
    let install: Vec<_> =
        ["install", "-y", "--no-install-recommends"].iter().chain(packages).copied().collect();
    if apt(&install).run().is_err() {
        // The lists of a fresh machine are empty or old.
        apt(&["update"]).run()?;
        apt(&install).run()?;
    }
    Ok(())
}

/// The needs whose program is not there.
fn missing(needs: &[Need], path: &OsStr) -> Vec<Need> {
    needs.iter().copied().filter(|need| !is_there(need.program, path)).collect()
}

fn is_there(program: &str, path: &OsStr) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    std::env::split_paths(path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_path_or_by_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        std::fs::write(&here, "").unwrap();
        let full: &'static str = Box::leak(here.to_str().unwrap().to_owned().into_boxed_str());
        let need = |program| Need { program, package: "p" };
        let path = std::env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        let absent = missing(&[need("here"), need("gone"), need(full), need("/nowhere/gone")], &path);
        assert_eq!(absent.iter().map(|need| need.program).collect::<Vec<_>>(), ["gone", "/nowhere/gone"]);
    }
}

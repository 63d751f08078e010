//! The configuration of envoyproxy/ratelimit on disk: folders of YAML files, one domain in each.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ratekeeper_policy::{EnvoyFile, EnvoyImport, EnvoyOptions, Policy, import_envoy};

use crate::cli::Variables;
use crate::command::{MAX_POLICY_BYTES, variable};
use crate::failure::Failure;

/// How much of what is skipped in a folder is told.
const MOST_SKIPPED: usize = 10;

/// Where the files are, and what the service was told beside them.
#[derive(Clone, Debug)]
pub(crate) struct EnvoyConfig {
    /// Folders, whose folders are not read, or single files.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) options: EnvoyOptions,
}

impl EnvoyConfig {
    /// Makes the text of a policy of the files.
    pub(crate) fn import(&self) -> Result<EnvoyImport, Failure> {
        let contents = self.contents()?;
        let names: Vec<String> = contents.iter().map(|(path, _)| path.display().to_string()).collect();
        let files = contents.iter().zip(&names);
        let files: Vec<EnvoyFile<'_>> =
            files.map(|((_, content), name)| EnvoyFile { name, content }).collect();
        Ok(import_envoy(&files, &self.options)?)
    }

    /// What lies beside the files and is not read, though it may be meant to be.
    pub(crate) fn skipped(&self) -> Vec<PathBuf> {
        let mut skipped = Vec::new();
        for folder in self.paths.iter().filter(|path| path.is_dir()) {
            let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
            let visible =
                entries.map(|entry| entry.path()).filter(|path| !path.file_name().is_some_and(is_hidden));
            skipped.extend(visible.filter(|path| !(is_yaml(path) && path.is_file())).take(MOST_SKIPPED));
        }
        skipped.sort();
        skipped
    }

    /// Makes a policy of the files.
    pub(crate) fn load(&self, env: &Variables) -> Result<Policy, Failure> {
        for path in self.skipped() {
            tracing::warn!(path = %path.display(), "not read: it is no .yaml or .yml file of the directory");
        }
        let import = self.import()?;
        let policy = Policy::parse(&import.policy, "the imported policy", &|name| variable(env, name))?;
        Ok(policy.with_warnings(import.warnings))
    }

    /// What all files say, as a hash: times and lengths do not tell every change. Also that they cannot be read is told
    /// apart.
    pub(crate) fn fingerprint(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        match self.contents() {
            Ok(contents) => contents.iter().for_each(|(path, content)| {
                part(path.as_os_str().as_encoded_bytes());
                part(content);
            }),
            Err(failure) => part(failure.to_string().as_bytes()),
        }
        hasher.finalize()
    }

    /// The files in the order of their names, together hardly more than may be read.
    fn contents(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
        let mut room = MAX_POLICY_BYTES;
        let mut contents = Vec::new();
        for path in &self.paths {
            let failed = |source| Failure::Read { path: path.clone(), source };
            for file in files(path).map_err(failed)? {
                let mut content = Vec::new();
                let read = File::open(&file).and_then(|opened| opened.take(room).read_to_end(&mut content));
                read.map_err(|source| Failure::Read { path: file.clone(), source })?;
                room -= content.len() as u64;
                contents.push((file, content));
            }
        }
        Ok(contents)
    }
}

/// The YAML files of a folder. What begins with a dot is none: Kubernetes keeps versions of a ConfigMap there.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if is_yaml(Path::new(&name)) && !is_hidden(&name) && fs::metadata(path.join(&name))?.is_file() {
            files.push(path.join(name));
        }
    }
    if files.is_empty() {
        // Not even an empty domain: rather a wrong folder than a service without limits.
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no .yaml or .yml file here"));
    }
    files.sort();
    Ok(files)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path) -> EnvoyConfig {
        EnvoyConfig { paths: vec![folder.to_owned()], options: EnvoyOptions::default() }
    }

    #[test]
    fn the_yaml_files_of_a_folder_are_read_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.yaml", "a.yml", ".c.yaml", "README.md", "d.yaml.swp"] {
            fs::write(path(name), format!("domain: {}", &name[..1])).unwrap();
        }
        fs::create_dir(path("e.yaml")).unwrap();
        assert_eq!(files(folder.path()).unwrap(), [path("a.yml"), path("b.yaml")]);
        assert_eq!(files(&path("README.md")).unwrap(), [path("README.md")]);
        let empty = files(&path("e.yaml")).unwrap_err();
        assert_eq!(empty.to_string(), "there is no .yaml or .yml file here");
    }

    #[test]
    fn every_change_changes_the_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let config = config(folder.path());
        let mut seen = vec![config.fingerprint()];
        let mut changed = || {
            let now = config.fingerprint();
            assert!(!seen.contains(&now));
            seen.push(now);
            assert_eq!(config.fingerprint(), now);
        };
        fs::write(path("a.yaml"), "domain: a").unwrap();
        changed();
        let written = fs::metadata(path("a.yaml")).unwrap().modified().unwrap();
        fs::write(path("a.yaml"), "domain: b").unwrap();
        File::open(path("a.yaml")).unwrap().set_modified(written).unwrap();
        changed();
        fs::write(path("b.yaml"), "domain: c").unwrap();
        changed();
        fs::rename(path("b.yaml"), path("c.yaml")).unwrap();
        changed();
    }

    #[test]
    fn a_config_map_is_swapped_as_a_whole() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (version, domain) in [("..1", "a"), ("..2", "b")] {
            fs::create_dir(path(version)).unwrap();
            fs::write(path(version).join("limits.yaml"), format!("domain: {domain}")).unwrap();
        }
        symlink("..1", path("..data")).unwrap();
        symlink("..data/limits.yaml", path("limits.yaml")).unwrap();
        let config = config(folder.path());
        let first = config.fingerprint();
        symlink("..2", path("..new")).unwrap();
        fs::rename(path("..new"), path("..data")).unwrap();
        assert_ne!(config.fingerprint(), first);
        assert_eq!(config.contents().unwrap()[0].1, b"domain: b");
    }
}

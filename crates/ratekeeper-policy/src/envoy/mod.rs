//! The configuration of envoyproxy/ratelimit, read as strictly as a policy, and written as one.
//!
//! Files are read into records (`raw`, `value`), joined to the trees that requests descend (`tree`), and each limit in
//! them becomes a rule (`rules`) of the text of a policy (`write`).

mod metadata;
mod names;
mod raw;
mod rules;
mod tree;
mod unit;
mod value;
mod write;

use crate::decode::{Decode as _, Decoder};
use crate::error::{MAX_ERRORS, PolicyError, PolicyErrors};
use crate::text::shown;
use crate::yaml::{self, Document, MAX_SOURCE, Position, SyntaxError, Wording};
use raw::Root;
use tree::Forest;

/// How errors of syntax call a file.
const WORDING: Wording = Wording { noun: "configuration", least: "a `domain`" };

/// One file of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct EnvoyFile<'a> {
    /// How errors call it, such as its path.
    pub name: &'a str,
    /// What stands in it.
    pub content: &'a [u8],
}

/// What the service was told beside its files.
#[derive(Clone, Debug, Default)]
pub struct EnvoyOptions {
    /// Whether several files may have one domain, as with `MERGE_DOMAIN_CONFIG`.
    pub merge_domains: bool,
    /// Whether every rule is in quota mode, as with `QUOTA_MODE`.
    pub quota_mode: bool,
    /// The url of the store of all rules, which may hold `${NAME}`; in memory if there is none.
    pub store: Option<String>,
}

/// A policy that does what a configuration of envoyproxy/ratelimit did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnvoyImport {
    /// The text of the policy; [`Policy::parse`](crate::Policy::parse) accepts it.
    pub policy: String,
    /// What is allowed and surely not meant; at most 50.
    pub warnings: Vec<PolicyError>,
}

/// Makes a policy of the configuration of envoyproxy/ratelimit. The same files in the same order make the same text.
///
/// # Errors
/// Everything that is wrong in any of the files, each with file, line, column and what would be right; at most 50.
///
/// ```
/// use ratekeeper_policy::{EnvoyFile, EnvoyOptions, import_envoy};
/// let content = b"
/// domain: mongo_cps
/// descriptors:
///   - key: database
///     value: users
///     rate_limit: { unit: second, requests_per_unit: 500 }
/// ";
/// let file = EnvoyFile { name: "config.yaml", content };
/// let import = import_envoy(&[file], &EnvoyOptions::default())?;
/// assert!(import.policy.contains("- name: mongo_cps.database_users"));
/// assert!(import.policy.contains("limits: 500 per second (fixed_window)"));
/// # Ok::<_, ratekeeper_policy::PolicyErrors>(())
/// ```
pub fn import_envoy(files: &[EnvoyFile<'_>], options: &EnvoyOptions) -> Result<EnvoyImport, PolicyErrors> {
    let bytes: usize = files.iter().map(|file| file.content.len()).sum();
    if bytes > MAX_SOURCE {
        return Err(too_large(files, format!("the files have {bytes} bytes together")));
    }
    let (mut forest, mut errors, mut warnings) = (Forest::default(), Vec::new(), Vec::new());
    for file in files {
        match read(file, options, &mut forest) {
            Ok(found) => warnings.extend(found),
            Err(found) => errors.push(found),
        }
    }
    if !errors.is_empty() {
        return Err(PolicyErrors::join(errors));
    }
    let policy = write::policy(&forest, options).map_err(|message| too_large(files, message))?;
    warnings.truncate(MAX_ERRORS);
    Ok(EnvoyImport { policy, warnings })
}

/// Adds one file to the forest; its warnings.
fn read(
    file: &EnvoyFile<'_>,
    options: &EnvoyOptions,
    forest: &mut Forest,
) -> Result<Vec<PolicyError>, PolicyErrors> {
    let wrong = |error| PolicyErrors::of_syntax(file.name, error);
    let source = yaml::utf8(file.content, WORDING).map_err(wrong)?;
    let document = yaml::parse(source, WORDING).map_err(wrong)?;
    let mut decoder = Decoder::new(&document, file.name, &|_| None);
    if let Some(root) = Root::decode(Document::ROOT, &mut decoder) {
        forest.add(root, file.name, options.merge_domains, &mut decoder);
    }
    decoder.finish()
}

fn too_large(files: &[EnvoyFile<'_>], message: String) -> PolicyErrors {
    let file = files.first().map_or("configuration", |file| file.name);
    let help = format!("a policy has at most {MAX_SOURCE} bytes: divide the domains among several servers");
    PolicyErrors::of_syntax(file, SyntaxError { at: Position { line: 1, column: 1 }, message, help })
}

/// A file in messages and comments: without its folders, which differ from server to server.
fn short(file: &str) -> String {
    shown(file.rsplit('/').next().unwrap_or(file))
}

//! The configuration of envoyproxy/ratelimit: what it refuses, and what its own files mean.

mod files;
mod meaning;
mod model;
mod refused;
mod text;

use ratekeeper_policy::{EnvoyFile, EnvoyImport, EnvoyOptions, import_envoy};

/// One file of each content, called a.yaml, b.yaml …
fn import(contents: &[&str], options: &EnvoyOptions) -> Result<EnvoyImport, String> {
    let names: Vec<String> = ('a'..='z').map(|letter| format!("{letter}.yaml")).collect();
    let files = contents.iter().zip(&names);
    let files: Vec<EnvoyFile<'_>> =
        files.map(|(content, name)| EnvoyFile { name, content: content.as_bytes() }).collect();
    import_envoy(&files, options).map_err(|errors| errors.to_string())
}

/// The policy of one file that is right.
fn text_of(content: &str) -> String {
    import(&[content], &EnvoyOptions::default())
        .unwrap_or_else(|errors| panic!("{errors}"))
        .policy
}

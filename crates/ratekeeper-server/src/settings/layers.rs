//! The layers that settings come from, each over the one below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{REFERENCE, Settings, SettingsError};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// The file.
    pub(crate) file: Option<PathBuf>,
    /// Flags: names such as `limits.connections`, and what was written.
    pub(crate) flags: Vec<(String, String)>,
}

/// The settings, and where each that is no default comes from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    merged: Table,
    sources: BTreeMap<String, String>,
}

/// Settings that are not shown.
const SECRETS: &[&str] = &["secret", "envoy.store"];

impl Layers {
    /// Reads and joins all layers.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub(crate) fn load(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, SettingsError> {
        let mut sources = BTreeMap::new();
        let mut merged = match &self.file {
            Some(path) => read(path)?,
            None => Table::new(),
        };
        let known = known();
        for name in known.keys().filter(|name| get(&merged, name).is_some()) {
            sources.insert(name.clone(), "file".to_owned());
        }
        for (name, example) in &known {
            let variable = variable(name);
            if let Some(text) = env(&variable) {
                set(&mut merged, name, value(&variable, &text, example)?);
                sources.insert(name.clone(), format!("environment, {variable}"));
            }
        }
        for (name, text) in &self.flags {
            let example = known.get(name).ok_or_else(|| SettingsError::Unknown { name: name.clone() })?;
            set(&mut merged, name, value(name, text, example)?);
            sources.insert(name.clone(), "flag".to_owned());
        }
        let settings =
            Settings::deserialize(merged.clone()).map_err(|error| blame(&merged, &sources, &error))?;
        Ok(Loaded { settings: settings.checked()?, merged, sources })
    }
}

impl Loaded {
    /// Whether nothing at all is set.
    pub(crate) fn is_default(&self) -> bool {
        self.sources.is_empty()
    }

    /// All settings as a file, with where each comes from.
    pub(crate) fn print(&self) -> String {
        let mut out = String::new();
        let mut last_section = String::new();
        for (name, example) in ordered() {
            let (section, key) = name.rsplit_once('.').unwrap_or(("", &name));
            if section != last_section {
                out.push_str(&format!("\n[{section}]\n"));
                section.clone_into(&mut last_section);
            }
            let given = get(&self.merged, &name);
            let shown = if SECRETS.contains(&name.as_str()) && given.is_some() {
                Value::String("[redacted]".to_owned())
            } else {
                given.unwrap_or(&example).clone()
            };
            match (given, self.sources.get(&name)) {
                (Some(_), Some(source)) => out.push_str(&format!("{key} = {shown}  # {source}\n")),
                _ if has_default(&name) => out.push_str(&format!("{key} = {shown}  # default\n")),
                _ => out.push_str(&format!("# {key} =\n")),
            }
        }
        out
    }
}

/// Whether what the reference shows for a setting is its default; else it is an example.
fn has_default(name: &str) -> bool {
    const EXAMPLES: &[&str] = &[
        "policy",
        "state_file",
        "threads",
        "operator_tokens",
        "secret",
        "envoy.config",
        "envoy.store",
        "traces.endpoint",
    ];
    const SECTIONS: &[&str] = &["tls.", "proxy_protocol.", "refusal."];
    !EXAMPLES.contains(&name) && !SECTIONS.iter().any(|section| name.starts_with(section))
}

fn read(path: &Path) -> Result<Table, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    let wrong =
        |error: toml::de::Error| SettingsError::File { path: path.to_owned(), message: error.to_string() };
    // By itself first, so that an error has its line.
    toml::from_str::<Settings>(&text).map_err(wrong)?;
    toml::from_str(&text).map_err(wrong)
}

/// Which layer a value that does not fit comes from.
fn blame(merged: &Table, sources: &BTreeMap<String, String>, error: &toml::de::Error) -> SettingsError {
    for (name, source) in sources.iter().filter(|(_, source)| *source != "file") {
        let mut alone = Table::new();
        if let Some(value) = get(merged, name) {
            set(&mut alone, name, value.clone());
        }
        if let Err(error) = Settings::deserialize(alone) {
            return SettingsError::Value {
                name: format!("{name} ({source})"),
                message: error.message().to_owned(),
            };
        }
    }
    SettingsError::Inconsistent(error.message().to_owned())
}

/// Every setting by its name, with the value that the reference shows.
fn known() -> BTreeMap<String, Value> {
    ordered().into_iter().collect()
}

/// The same, those without a section first.
fn ordered() -> Vec<(String, Value)> {
    // Tests parse it.
    let reference: Table = toml::from_str(REFERENCE).unwrap_or_default();
    let (mut plain, mut sections) = (Vec::new(), Vec::new());
    for (name, value) in reference {
        match value {
            Value::Table(section) => {
                sections.extend(section.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => plain.push((name, value)),
        }
    }
    plain.append(&mut sections);
    plain
}

fn variable(name: &str) -> String {
    format!("RATEKEEPER_{}", name.replace('.', "_").to_ascii_uppercase())
}

/// What was written as text, as the kind of value that the setting has.
fn value(name: &str, text: &str, example: &Value) -> Result<Value, SettingsError> {
    Ok(match example {
        Value::Integer(_) => {
            let number = text.trim().replace('_', "").parse();
            let wrong =
                |_| SettingsError::Value { name: name.to_owned(), message: format!("{text:?} is no number") };
            Value::Integer(number.map_err(wrong)?)
        }
        Value::Boolean(_) => match text.trim().parse() {
            Ok(value) => Value::Boolean(value),
            Err(_) => {
                let message = format!("{text:?} is neither true nor false");
                return Err(SettingsError::Value { name: name.to_owned(), message });
            }
        },
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        _ => Value::String(text.to_owned()),
    })
}

fn get<'t>(table: &'t Table, name: &str) -> Option<&'t Value> {
    match name.split_once('.') {
        Some((section, key)) => table.get(section)?.as_table()?.get(key),
        None => table.get(name),
    }
}

fn set(table: &mut Table, name: &str, value: Value) {
    match name.split_once('.') {
        Some((section, key)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(key.to_owned(), value);
            }
        }
        None => {
            table.insert(name.to_owned(), value);
        }
    }
}

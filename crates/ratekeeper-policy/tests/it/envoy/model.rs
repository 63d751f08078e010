//! What the service does, in plain words: `GetLimit` of its `config_impl.go`, and the key that it counts by.

/// A descriptor of a configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) key: String,
    /// Any value, if empty.
    pub(super) value: String,
    pub(super) share: bool,
    /// How much passes each day.
    pub(super) limit: Option<u32>,
    pub(super) children: Vec<Self>,
}

/// What counts for a request: how much passes, and the values that are counted apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) limit: u32,
    pub(super) apart: Vec<String>,
}

impl Config {
    /// As YAML.
    pub(super) fn yaml(&self) -> String {
        let mut fields = vec![format!("key: {}", self.key)];
        if !self.value.is_empty() {
            fields.push(format!("value: \"{}\"", self.value));
        }
        if self.share {
            fields.push("share_threshold: true".to_owned());
        }
        if let Some(limit) = self.limit {
            fields.push(format!("rate_limit: {{ unit: day, requests_per_unit: {limit} }}"));
        }
        if !self.children.is_empty() {
            fields.push(format!("descriptors: {}", list(&self.children)));
        }
        format!("{{ {} }}", fields.join(", "))
    }
}

pub(super) fn list(configs: &[Config]) -> String {
    format!("[{}]", configs.iter().map(Config::yaml).collect::<Vec<_>>().join(", "))
}

/// The limit of a request. At each level: the entry's key and value, else the first pattern, else the key alone; then on
/// in what stands below, and never back.
pub(super) fn get_limit(mut level: &[Config], entries: &[(&str, &str)]) -> Option<Found> {
    let mut apart = Vec::new();
    for (place, (key, value)) in entries.iter().enumerate() {
        let of_key = || level.iter().filter(|config| config.key == *key);
        let exact = of_key().find(|config| !config.value.is_empty() && config.value == *value);
        let pattern = || of_key().find(|config| config.value.contains('*') && matches(&config.value, value));
        let alone = || of_key().find(|config| config.value.is_empty());
        let next = exact.or_else(pattern).or_else(alone)?;
        if next.value.is_empty() || next.value.contains('*') && !next.share {
            apart.push((*value).to_owned());
        }
        if place + 1 == entries.len() {
            return next.limit.map(|limit| Found { limit, apart });
        }
        level = &next.children;
    }
    None
}

/// Whether a pattern matches, by trying everything.
fn matches(pattern: &str, value: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(rest) => (0..=value.len()).any(|start| matches(rest, &value[start..])),
        None if pattern.is_empty() => value.is_empty(),
        None => value.starts_with(&pattern[..1]) && matches(&pattern[1..], &value[1..]),
    }
}

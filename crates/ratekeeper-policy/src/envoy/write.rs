//! The text of the policy.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::EnvoyOptions;
use super::names::Names;
use super::rules::{Rule, collect};
use super::tree::{Amount, Domain, Forest, Level, Limit, Node};
use crate::yaml::{MAX_NODES, MAX_SOURCE};

/// How many values a rule has beside those of its entries, of its metadata and the names that it replaces.
const NODES_OF_A_RULE: usize = 14;
/// The same of one entry.
const NODES_OF_AN_ENTRY: usize = 4;

/// The policy of all domains; or that it would be too large.
pub(super) fn policy(forest: &Forest, options: &EnvoyOptions) -> Result<String, String> {
    let mut out = Out { text: String::new(), nodes: NODES_OF_A_RULE, options };
    out.text
        .push_str("# Made from the configuration of envoyproxy/ratelimit by `ratekeeper import envoy`.\n");
    if let Some(url) = &options.store {
        // Its ${NAME} stays one.
        _ = writeln!(out.text, "stores:\n  default: {}", quoted(url));
    }
    // Were a rule called so by chance, it would be replaced with those that are.
    let mut names =
        Names::new(forest.domains.iter().flat_map(|domain| names_of_limits(&domain.level)).collect());
    let mut is_empty = true;
    for domain in &forest.domains {
        let mut rules = Vec::new();
        collect(&domain.level, &mut Vec::new(), &mut rules);
        if is_empty {
            out.text.push_str("rules:\n");
            is_empty = false;
        }
        if rules.is_empty() {
            out.known_domain(domain, &names.give(&domain.name, &[]))?;
        }
        let names: Vec<String> = rules.iter().map(|rule| names.give(&domain.name, &rule.path)).collect();
        let called = called(&rules, &names);
        for (rule, name) in rules.iter().zip(&names) {
            out.rule(domain, rule, name, &called)?;
        }
    }
    if is_empty {
        out.text.push_str("rules: []\n");
    }
    Ok(out.text)
}

/// The names that the limits of a level, and of what is below, have in the configuration.
fn names_of_limits(level: &Level) -> Vec<String> {
    let mut found = Vec::new();
    for node in &level.nodes {
        found.extend(node.limit.as_ref().and_then(|limit| limit.name.clone()));
        found.append(&mut names_of_limits(&node.level));
    }
    found
}

/// The rules of the limits of each name; only within a domain, for a request has one.
type Called<'t> = HashMap<&'t str, Vec<&'t str>>;

fn called<'t>(rules: &[Rule<'t>], names: &'t [String]) -> Called<'t> {
    let mut called = Called::new();
    for (rule, name) in rules.iter().zip(names) {
        if let Some(limit) = rule.limit.and_then(|limit| limit.name.as_deref()) {
            called.entry(limit).or_default().push(name);
        }
    }
    called
}

/// What is written so far.
struct Out<'o> {
    text: String,
    nodes: usize,
    options: &'o EnvoyOptions,
}

impl Out<'_> {
    /// A domain without limits of its own: those that requests bring along count in domains that are known.
    fn known_domain(&mut self, domain: &Domain, name: &str) -> Result<(), String> {
        self.nodes += NODES_OF_A_RULE;
        let domain = scalar(&domain.name);
        _ = writeln!(self.text, "  # Without limits, but known: those that requests bring along count.");
        _ = writeln!(self.text, "  - name: {name}\n    match: {{ domain: {domain} }}\n    limits: unlimited");
        self.text.push_str("    mode: off\n");
        self.fits()
    }

    fn fits(&self) -> Result<(), String> {
        if self.text.len() > MAX_SOURCE || self.nodes > MAX_NODES {
            return Err("the policy would be too large".to_owned());
        }
        Ok(())
    }

    fn rule(
        &mut self,
        domain: &Domain,
        rule: &Rule<'_>,
        name: &str,
        called: &Called<'_>,
    ) -> Result<(), String> {
        let Some(node) = rule.path.last() else {
            return Ok(());
        };
        self.nodes += NODES_OF_A_RULE + NODES_OF_AN_ENTRY * rule.path.len();
        _ = writeln!(self.text, "  # {}\n  - name: {name}", node.place);
        let entries: Vec<String> = rule.path.iter().map(|node| entry(node)).collect();
        _ = writeln!(
            self.text,
            "    match: {{ domain: {}, entries: [{}] }}",
            scalar(&domain.name),
            entries.join(", ")
        );
        match rule.limit {
            Some(limit) => self.limit(limit, rule, called),
            // The service knows of no limit here.
            None => self.text.push_str("    limits: unlimited\n"),
        }
        self.fits()
    }

    fn limit(&mut self, limit: &Limit, rule: &Rule<'_>, called: &Called<'_>) {
        match &limit.amount {
            Amount::Unlimited => self.text.push_str("    limits: unlimited\n"),
            Amount::Count(count, window) => {
                _ = writeln!(self.text, "    limits: {count} per {window} (fixed_window)");
                if limit.shadow {
                    self.text.push_str("    mode: shadow\n");
                } else if limit.quota || self.options.quota_mode {
                    self.text.push_str("    mode: quota\n");
                }
                self.text.push_str("    on_store_error: deny\n");
            }
        }
        self.replaces(limit, called);
        if has_metrics_of_subjects(limit, &rule.path) {
            self.text.push_str("    subject_metrics: true\n");
        }
        self.envoy(limit);
    }

    fn replaces(&mut self, limit: &Limit, called: &Called<'_>) {
        let mut rules = Vec::new();
        for name in &limit.replaces {
            match called.get(name.as_str()) {
                Some(found) => rules.extend_from_slice(found),
                None => {
                    let name = quoted(name);
                    _ = writeln!(self.text, "    # replaces {name}, but no limit of the domain is called so");
                }
            }
        }
        if !rules.is_empty() {
            self.nodes += rules.len();
            _ = writeln!(self.text, "    replaces: [{}]", rules.join(", "));
        }
    }

    fn envoy(&mut self, limit: &Limit) {
        let mut fields = Vec::new();
        if let Some(name) = &limit.name {
            fields.push(format!("name: {}", scalar(name)));
        }
        if let Some(metadata) = limit.metadata.as_ref().filter(|metadata| !metadata.is_empty()) {
            let metadata = metadata.iter().map(|(name, value)| (name.as_str(), value));
            fields.push(format!("metadata: {}", object(metadata, &mut self.nodes)));
        }
        if !fields.is_empty() {
            _ = writeln!(self.text, "    envoy: {{ {} }}", fields.join(", "));
        }
    }
}

fn entry(node: &Node) -> String {
    let key = scalar(&node.key);
    match &node.value {
        None => key,
        Some(value) => {
            let share = if node.share { ", share: true" } else { "" };
            format!("{{ key: {key}, value: {}{share} }}", scalar(value))
        }
    }
}

/// Whether there are metrics of each value of the entries whose value is not written.
fn has_metrics_of_subjects(limit: &Limit, path: &[&Node]) -> bool {
    let varies = |node: &&&Node| node.value.is_none() || node.is_pattern() && !node.share;
    path.iter().filter(varies).any(|node| limit.detailed_metric || node.value_metric)
}

fn object<'v>(fields: impl Iterator<Item = (&'v str, &'v Value)>, nodes: &mut usize) -> String {
    *nodes += 1;
    let fields: Vec<String> =
        fields.map(|(name, value)| format!("{}: {}", quoted(name), json(value, nodes))).collect();
    format!("{{ {} }}", fields.join(", "))
}

/// A value of the metadata.
fn json(value: &Value, nodes: &mut usize) -> String {
    match value {
        Value::Object(fields) => object(fields.iter().map(|(name, value)| (name.as_str(), value)), nodes),
        Value::Array(items) => {
            *nodes += 1;
            let items: Vec<String> = items.iter().map(|item| json(item, nodes)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => {
            *nodes += 1;
            quoted(&escaped(text))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            *nodes += 1;
            value.to_string()
        }
    }
}

/// A text that stands for itself: without quotes where nobody can take it for anything else.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
    );
    if is_plain && !is_word {
        text.to_owned()
    } else {
        quoted(&escaped(text))
    }
}

/// A text in which nothing is taken for a variable of the environment.
fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

/// A text in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            // What YAML forbids, and what would hide in an editor.
            _ if character.is_control()
                || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

//! `cargo xtask tidy`: the house rules as code. One rule, one file, each with its own tests.

mod edges;
mod findings;
mod hygiene;
mod length;
mod links;
mod manifest;
mod modules;
mod reachable;
mod regressions;
mod source;
mod test_binary;
mod tree;

#[cfg(test)]
mod fixture;

use crate::error::Error;
use crate::project::Project;
use crate::tidy::findings::Findings;
use crate::tidy::tree::Tree;

/// A house rule.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// What it is called in what it finds.
    name: &'static str,
    check: fn(&Tree, &mut Findings),
}

const RULES: &[Rule] = &[
    edges::RULE,
    length::RULE,
    reachable::RULE,
    test_binary::RULE,
    manifest::RULE,
    regressions::RULE,
    hygiene::RULE,
    links::RULE,
];

/// Checks every rule and prints all that is broken.
pub(crate) fn run(project: &Project) -> Result<(), Error> {
    let tree = Tree::load(project)?;
    let findings = check(RULES, &tree);
    for line in &findings {
        println!("{line}");
    }
    if findings.is_empty() {
        println!("{} rules hold over {} files", RULES.len(), tree.len());
        Ok(())
    } else {
        Err(Error::Untidy(findings.len()))
    }
}

/// What the rules find, as lines `path:line: rule: message`.
fn check(rules: &[Rule], tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in rules {
        let mut findings = Findings::default();
        (rule.check)(tree, &mut findings);
        lines.extend(findings.into_lines(rule.name));
    }
    lines
}

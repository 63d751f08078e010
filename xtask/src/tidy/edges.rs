//! Which crate may depend on which: data flows one way, and nothing calls back.

use cargo_metadata::DependencyKind;

use super::Rule;
use super::findings::Findings;
use super::tree::{Member, Tree};

pub(super) const RULE: Rule = Rule { name: "edges", check };

/// What a crate may depend on.
#[derive(Clone, Copy, Debug)]
enum Reach {
    /// These crates of the workspace.
    Only(&'static [&'static str]),
    /// Every crate whose name begins with `ratekeeper-`: it puts them together.
    Internal,
    /// Every crate: it is not shipped.
    Free,
}

/// The edges that are allowed, for normal and build dependencies. A new crate gets its line here.
const ALLOWED: &[(&str, Reach)] = &[
    ("ratekeeper-core", Reach::Only(&[])),
    ("ratekeeper-accesslog", Reach::Only(&["ratekeeper-core"])),
    ("ratekeeper-resp", Reach::Only(&[])),
    (
        "ratekeeper-load",
        Reach::Only(&["ratekeeper-core", "ratekeeper-policy", "ratekeeper-envoy"]),
    ),
    ("ratekeeper-store", Reach::Only(&["ratekeeper-core"])),
    ("ratekeeper-envoy", Reach::Only(&[])),
    ("ratekeeper-redis", STORE),
    ("ratekeeper-postgres", STORE),
    ("ratekeeper-memcached", STORE),
    ("ratekeeper-dynamodb", STORE),
    ("ratekeeper-outbound", STORE),
    ("ratekeeper-policy", Reach::Only(&["ratekeeper-core"])),
    (
        "ratekeeper-engine",
        Reach::Only(&["ratekeeper-core", "ratekeeper-store", "ratekeeper-policy"]),
    ),
    (
        "ratekeeper-http",
        Reach::Only(&[
            "ratekeeper-core",
            "ratekeeper-store",
            "ratekeeper-policy",
            "ratekeeper-engine",
        ]),
    ),
    (
        "ratekeeper-actix",
        Reach::Only(&["ratekeeper-policy", "ratekeeper-engine", "ratekeeper-http"]),
    ),
    (SERVER, Reach::Internal),
    (
        "ratekeeper",
        Reach::Only(&[
            "ratekeeper-core",
            "ratekeeper-store",
            "ratekeeper-policy",
            "ratekeeper-engine",
            "ratekeeper-http",
            "ratekeeper-outbound",
            "ratekeeper-redis",
            "ratekeeper-postgres",
            "ratekeeper-memcached",
            "ratekeeper-dynamodb",
        ]),
    ),
    ("e2e", Reach::Free),
    ("examples", Reach::Free),
    ("instructions", Reach::Free),
    ("ratekeeper-fuzz", Reach::Free),
    ("testservers", Reach::Free),
    ("xtask", Reach::Free),
];

/// A store that is asked over a network; and whatever else needs no more than limits and clocks.
const STORE: Reach = Reach::Only(&["ratekeeper-core", "ratekeeper-store"]);
/// Where everything is put together: it depends on the others, they never on it, not even in their tests.
const SERVER: &str = "ratekeeper-server";

fn check(tree: &Tree, findings: &mut Findings) {
    let names: Vec<_> = tree.members().iter().map(|member| member.package.name.as_str()).collect();
    for member in tree.members() {
        let name = member.package.name.as_str();
        let Some((_, reach)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            let message =
                format!("crate `{name}` is not in the table ALLOWED of xtask/src/tidy/edges.rs: add it");
            findings.add(&member.manifest, 1, message);
            continue;
        };
        for dependency in &member.package.dependencies {
            let to = dependency.name.as_str();
            if !names.contains(&to) {
                continue;
            }
            let line = line_of_dependency(tree, member, to);
            if dependency.kind == DependencyKind::Development {
                if to == SERVER && !matches!(reach, Reach::Free) {
                    let message = format!("tests of `{name}` must not use `{to}`, which is built from it");
                    findings.add(&member.manifest, line, message);
                }
            } else if !allows(*reach, to) {
                findings.add(&member.manifest, line, format!("`{name}` must not depend on `{to}`"));
            }
        }
    }
}

fn allows(reach: Reach, to: &str) -> bool {
    match reach {
        Reach::Only(names) => names.contains(&to),
        Reach::Internal => to.starts_with("ratekeeper-") && to != "ratekeeper-fuzz",
        Reach::Free => true,
    }
}

/// The line of the manifest that begins with the name, 1 if there is none.
fn line_of_dependency(tree: &Tree, member: &Member, name: &str) -> usize {
    let text = String::from_utf8_lossy(tree.bytes(&member.manifest).unwrap_or_default()).into_owned();
    let is_key = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    text.lines().position(is_key).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[track_caller]
    fn check(name: &str, dependencies: &str, others: &[&str], expected: &[&str]) {
        let mut text = String::new();
        for other in others {
            text.push_str(&format!("//- crates/{other}/src/lib.rs\n"));
        }
        text.push_str(&format!(
            "//- crates/{name}/Cargo.toml\n[package]\nname = \"{name}\"\nedition = \"2024\"\n{dependencies}"
        ));
        fixture::check(super::RULE, &text, expected);
    }

    #[test]
    fn allowed_edges_pass() {
        check(
            "ratekeeper-store",
            "[dependencies]\nratekeeper-core = { path = \"../ratekeeper-core\" }\n",
            &["ratekeeper-core"],
            &[],
        );
        check(
            "ratekeeper-server",
            "[dependencies]\nratekeeper-core = { path = \"../ratekeeper-core\" }\n",
            &["ratekeeper-core"],
            &[],
        );
    }

    #[test]
    fn a_store_never_sees_policy() {
        check(
            "ratekeeper-store",
            "[dependencies]\nratekeeper-policy = { path = \"../ratekeeper-policy\", optional = true }\n",
            &["ratekeeper-policy"],
            &["crates/ratekeeper-store/Cargo.toml:5: edges: \
               `ratekeeper-store` must not depend on `ratekeeper-policy`"],
        );
    }

    #[test]
    fn build_dependencies_count() {
        check(
            "ratekeeper-core",
            "[build-dependencies]\nratekeeper-store = { path = \"../ratekeeper-store\" }\n",
            &["ratekeeper-store"],
            &["crates/ratekeeper-core/Cargo.toml:5: edges: \
               `ratekeeper-core` must not depend on `ratekeeper-store`"],
        );
    }

    #[test]
    fn tests_may_go_further_but_not_to_the_server() {
        check(
            "ratekeeper-core",
            "[dev-dependencies]\nratekeeper-store = { path = \"../ratekeeper-store\" }\n",
            &["ratekeeper-store"],
            &[],
        );
        check(
            "ratekeeper-core",
            "[dev-dependencies]\nratekeeper-server = { path = \"../ratekeeper-server\" }\n",
            &["ratekeeper-server"],
            &["crates/ratekeeper-core/Cargo.toml:5: edges: \
               tests of `ratekeeper-core` must not use `ratekeeper-server`, which is built from it"],
        );
    }

    #[test]
    fn the_server_is_not_built_on_the_facade() {
        check(
            "ratekeeper-server",
            "[dependencies]\nratekeeper = { path = \"../ratekeeper\" }\n",
            &["ratekeeper"],
            &["crates/ratekeeper-server/Cargo.toml:5: edges: \
               `ratekeeper-server` must not depend on `ratekeeper`"],
        );
    }

    #[test]
    fn a_new_crate_must_be_entered() {
        check(
            "ratekeeper-new",
            "",
            &[],
            &["crates/ratekeeper-new/Cargo.toml:1: edges: \
               crate `ratekeeper-new` is not in the table ALLOWED of xtask/src/tidy/edges.rs: add it"],
        );
    }
}

//! From what was written to what runs: defaults are filled in, and references and uniqueness checked.

mod own;
mod replaces;
mod rule;
mod selector;
mod setup;

use std::collections::{BTreeMap, HashSet};

use crate::client_ip::ClientIp;
use crate::decode::{Decoder, Named};
use crate::index::Index;
use crate::key::HashKey;
use crate::list::Entries;
use crate::matching::Trees;
use crate::raw::Root;
use crate::rule::{Mode, Rule};
use crate::store_config::StoreConfig;
use crate::text::{listed, quoted};

/// The parts of a compiled policy.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<Rule>,
    pub(crate) stores: BTreeMap<String, StoreConfig>,
    pub(crate) client_ip: ClientIp,
    pub(crate) allow: Entries,
    pub(crate) deny: Entries,
    /// The rule of limits that requests bring along.
    pub(crate) own: Rule,
    /// The places of the rules that are looked up by descriptors.
    pub(crate) trees: Trees,
    /// The places of all others that are not off.
    pub(crate) plain: Index,
}

/// The name of the store that always exists.
pub(crate) const DEFAULT_STORE: &str = "default";

/// Parts of keys are hashed with this when the policy has no secret: the same on all nodes and in all versions.
const PUBLIC_SECRET: &str = "public";

/// What a rule needs to know of the policy around it.
pub(crate) struct Surroundings<'a> {
    pub(crate) stores: &'a BTreeMap<String, StoreConfig>,
    /// The names of all stores of the file, also of those that are wrong and therefore not among `stores`.
    pub(crate) written_stores: &'a [&'a str],
    pub(crate) client_ip: &'a ClientIp,
    pub(crate) hash_key: HashKey,
}

/// Compiles a policy; reports what is wrong to the decoder. Also what is wrong already is compiled as far as it was
/// understood: all errors are reported at once.
pub(crate) fn compile(root: Root, decoder: &mut Decoder<'_>) -> Compiled {
    let stores = setup::stores(root.stores.map_or(Named(Vec::new()), |stores| stores.value), decoder);
    let client_ip = root.client_ip.map_or_else(ClientIp::default, |written| setup::client_ip(written.value));
    let lists = root.lists.map(|lists| lists.value);
    let (allow, deny) = lists.map_or((None, None), |lists| (lists.allow, lists.deny));
    let secret = root.hash_secret.as_ref().map_or(PUBLIC_SECRET, |secret| secret.value.reveal());
    let hash_key =
        HashKey(blake3::derive_key("ratekeeper policy: hashes in keys, version 1", secret.as_bytes()));
    let written_stores = decoder.names_in("stores");
    let surroundings = Surroundings {
        stores: &stores,
        written_stores: &written_stores,
        client_ip: &client_ip,
        hash_key,
    };
    let mut names = HashSet::new();
    let mut rules = Vec::new();
    let mut replaced = Vec::new();
    for written in root.rules.value {
        let name = written.value.name.clone();
        if !names.insert(name.value.0.clone()) && !name.value.0.is_empty() {
            let message = format!("{} is the name of another rule", quoted(&name.value.0));
            decoder.error(name.node, message, "give each rule a name of its own");
        }
        let mut written = written.value;
        replaced.extend(written.replaces.take().map(|names| (rules.len(), names)));
        rules.push(rule::compile(written, &surroundings, decoder));
    }
    replaces::resolve(replaced, &mut rules, decoder);
    let (trees, plain) = looked_up(&rules);
    Compiled {
        own: own::rule(&surroundings),
        trees,
        plain,
        rules,
        allow: allow.map(|list| setup::list(list, decoder)).unwrap_or_default(),
        deny: deny.map(|list| setup::list(list, decoder)).unwrap_or_default(),
        stores,
        client_ip,
    }
}

/// The rules by how they are found.
fn looked_up(rules: &[Rule]) -> (Trees, Index) {
    let (mut trees, mut plain) = (Trees::default(), Vec::new());
    for (place, rule) in rules.iter().enumerate() {
        let domain = rule.matcher.domain.as_deref();
        if let Some(domain) = domain {
            trees.add_domain(domain);
        }
        match rule.matcher.entries.as_slice() {
            // A rule that is off keeps nothing from another.
            _ if rule.mode == Mode::Off => {}
            [] => plain.push((place, rule.matcher.conditions())),
            entries => trees.add(domain, entries, place),
        }
    }
    (trees, Index::new(plain))
}

/// The message for a store that does not exist.
fn unknown_store(name: &str, stores: &BTreeMap<String, StoreConfig>) -> (String, String) {
    let names: Vec<String> = stores.keys().map(|name| quoted(name)).collect();
    let help = format!("the stores are {}", listed(names.iter().map(String::as_str)));
    (format!("there is no store {}", quoted(name)), help)
}

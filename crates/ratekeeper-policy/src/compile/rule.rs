//! Rules.

use super::{DEFAULT_STORE, Surroundings, selector, unknown_store};
use crate::cost::{Costs, Route};
use crate::decode::{At, Decoder, Named, OneOrMany};
use crate::key::KeySpec;
use crate::matching::{Entry, Matcher};
use crate::policy_limit::{LimitList, PolicyLimit, limit_list};
use crate::raw;
use crate::rollout::{Arm, Rollout};
use crate::rule::{Envoy, OnChange, Overrides, Rule};
use crate::selector::Selectors;
use crate::text::quoted;
use crate::yaml::NodeId;

/// The most entries of a descriptor that a rule is about.
const MAX_ENTRIES: usize = 64;

/// The most arms of a rollout.
const MAX_ARMS: usize = 64;

/// Compiles a rule; reports what is wrong.
pub(super) fn compile(
    written: raw::Rule,
    surroundings: &Surroundings<'_>,
    decoder: &mut Decoder<'_>,
) -> Rule {
    let name = written.name.value.0;
    let store = written.store.map_or_else(
        || DEFAULT_STORE.to_owned(),
        |store| {
            let known = surroundings.stores.contains_key(&store.value)
                || surroundings.written_stores.contains(&store.value.as_str());
            if !known {
                let (message, help) = unknown_store(&store.value, surroundings.stores);
                decoder.error(store.node, message, help);
            }
            store.value
        },
    );
    let matcher = matcher(written.r#match.map(|found| found.value), decoder);
    let key = KeySpec {
        parts: written.key.map_or_else(|| Entry::implied_key(&matcher.entries), |key| key.value.0),
        missing: written.missing.map_or_else(Default::default, |missing| missing.value),
        hash_key: surroundings.hash_key,
        ipv4_prefix: surroundings.client_ip.ipv4_prefix,
        ipv6_prefix: surroundings.client_ip.ipv6_prefix,
    };
    let on_change = written.on_change.map_or_else(Default::default, |choice| choice.value);
    let lists = Lists { rule: &name, on_change };
    let limits = lists.make(written.limits, "");
    let costs = costs(written.cost, &limits, decoder);
    let overrides = overrides(lists, &key, written.overrides, decoder);
    let rollout = written.rollout.map(|rollout| self::rollout(lists, rollout, decoder));
    Rule {
        description: written.description.map(|text| text.value),
        mode: written.mode.map_or_else(Default::default, |mode| mode.value),
        on_store_error: written.on_store_error.map_or_else(Default::default, |choice| choice.value),
        local_share: written.local_share.map_or_else(Default::default, |share| share.value),
        on_change,
        envoy: envoy(written.envoy, decoder),
        subject_metrics: written.subject_metrics.is_some_and(|flag| flag.value),
        // Known when all rules are.
        replaces: Vec::new(),
        matcher,
        costs,
        name,
        store,
        key,
        limits,
        overrides,
        rollout,
    }
}

/// Makes the lists of limits of one rule: its own, those of its overrides and arms.
#[derive(Clone, Copy)]
struct Lists<'a> {
    rule: &'a str,
    on_change: OnChange,
}

impl Lists<'_> {
    /// `mark` keeps the counters of an override apart, see [`KeySpec::mark`].
    fn make(self, written: At<raw::Limits>, mark: &str) -> LimitList {
        let limits = written.value.0.into_iter().map(|limit| match self.on_change {
            OnChange::Keep => limit,
            OnChange::Reset => limit.with_reset_on_change(),
        });
        limit_list(self.rule, limits.collect(), mark)
    }
}

fn matcher(written: Option<raw::Match>, decoder: &mut Decoder<'_>) -> Matcher {
    let Some(written) = written else {
        return Matcher::default();
    };
    Matcher {
        methods: selector::values(written.methods),
        paths: selector::values(written.path),
        routes: selector::values(written.route),
        hosts: selector::values(written.host),
        networks: selector::values(written.ip),
        users: selector::values(written.user),
        headers: selector::headers(written.headers, decoder),
        descriptors: selector::descriptors(written.descriptors, decoder),
        domain: written.domain.map(|domain| domain.value),
        entries: entries(written.entries, decoder),
    }
}

fn entries(written: Option<At<OneOrMany<raw::EntryPattern>>>, decoder: &mut Decoder<'_>) -> Vec<Entry> {
    let Some(written) = written else {
        return Vec::new();
    };
    let entries: Vec<Entry> = written.value.into_values().map(|entry| entry.0).collect();
    if entries.len() > MAX_ENTRIES {
        let help = format!("a rule has at most {MAX_ENTRIES}");
        decoder.error(written.node, format!("{} entries", entries.len()), help);
    }
    entries
}

fn envoy(written: Option<At<raw::Envoy>>, decoder: &mut Decoder<'_>) -> Envoy {
    let Some(written) = written.map(|envoy| envoy.value) else {
        return Envoy::default();
    };
    if let Some(metadata) = &written.metadata
        && !metadata.value.0.is_object()
    {
        decoder.error(metadata.node, "this is no mapping", "write { name: value }");
    }
    Envoy {
        name: written.name.map(|name| name.value),
        metadata: written.metadata.map(|metadata| metadata.value.0),
    }
}

/// The costs of a rule with these limits.
fn costs(written: Option<At<raw::Cost>>, limits: &LimitList, decoder: &mut Decoder<'_>) -> Costs {
    let (mut all, mut default) = (Vec::new(), 1);
    match written {
        None => {}
        Some(At { value: raw::Cost::Number(number), node }) => {
            warn_beyond(limits, number, node, decoder);
            default = number;
        }
        Some(At { value: raw::Cost::Routes(Named(routes)), .. }) => {
            for (route, At { value: raw::Units(number), node }) in routes {
                warn_beyond(limits, number, node, decoder);
                if route == "default" {
                    default = number;
                    continue;
                }
                match Route::parse(&route) {
                    Ok(route) => all.push((route, number)),
                    Err(wrong) => {
                        let help =
                            format!("{}; routes look like \"POST /reports\" or \"/reports\"", wrong.help);
                        decoder.error_in_name(node, format!("{}: {}", quoted(&route), wrong.message), help);
                    }
                }
            }
        }
    }
    Costs::new(all, default)
}

/// What costs more than a limit can ever let pass is refused for ever, with no time to try again.
fn warn_beyond(limits: &LimitList, cost: u64, node: NodeId, decoder: &mut Decoder<'_>) {
    let beyond = limits.iter().map(PolicyLimit::limit).find(|limit| limit.largest_cost() < cost);
    if let Some(limit) = beyond {
        let largest = limit.largest_cost();
        let message =
            format!("a cost of {cost} can never pass the limit {limit}: such requests are always refused");
        let what = if limit.algorithm().has_burst() {
            "its burst"
        } else {
            "the limit"
        };
        decoder.warn(node, message, format!("write at most {largest}, or raise {what}"));
    }
}

fn overrides(
    lists: Lists<'_>,
    key: &KeySpec,
    written: Option<At<Vec<At<raw::Override>>>>,
    decoder: &mut Decoder<'_>,
) -> Overrides {
    let (mut selectors, mut limits) = (Vec::new(), Vec::new());
    for At { value, node } in written.map(|list| list.value).unwrap_or_default() {
        let given = selector::Given {
            ip: value.ip,
            user: value.user,
            header: value.header,
            descriptor: value.descriptor,
            until: value.until,
        };
        if let Some(mut selector) = selector::compile(given, node, decoder) {
            let mark = key.mark(&selector);
            // Under a shared key exactly that value counts that is in the key.
            selector.first_only = mark.is_empty();
            selectors.push(selector);
            limits.push((lists.make(value.limits, &mark), value.reason.map(|reason| reason.value)));
        }
    }
    Overrides { selectors: Selectors::new(selectors), limits }
}

fn rollout(lists: Lists<'_>, written: At<raw::Rollout>, decoder: &mut Decoder<'_>) -> Rollout {
    let fields = match written.value {
        raw::Rollout::Percent(percent) => {
            return Rollout { slots: percent.0, salt: lists.rule.to_owned(), arms: Vec::new() };
        }
        raw::Rollout::Full(fields) => fields,
    };
    let slots = fields.percent.value.0;
    let mut arms: Vec<Arm> = Vec::new();
    for At { value, node } in fields.arms.map(|arms| arms.value).unwrap_or_default() {
        if arms.len() == MAX_ARMS {
            decoder.error(node, "too many arms", format!("a rollout has at most {MAX_ARMS}"));
            break;
        }
        let name = value.name.value.0;
        if arms.iter().any(|arm| arm.name == name) {
            let message = format!("{} is the name of another arm", quoted(&name));
            decoder.error(value.name.node, message, "give each arm a name of its own");
        }
        let begin = arms.last().map_or(0, |arm| arm.end);
        let end = begin.saturating_add(value.percent.value.0);
        if end > slots {
            let help = "percentages of arms are of all subjects: together at most the rollout's percent";
            decoder.error(node, "the arms hold more subjects than the rollout", help);
            break;
        }
        arms.push(Arm { limits: lists.make(value.limits, ""), name, end });
    }
    Rollout {
        slots,
        salt: fields.salt.map_or_else(|| lists.rule.to_owned(), |salt| salt.value),
        arms,
    }
}

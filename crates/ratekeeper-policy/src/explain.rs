//! Why a request meets which rules.

use std::fmt;

use ratekeeper_core::Timestamp;

use crate::applicable::Choice;
use crate::attributes::Attributes;
use crate::list::List;
use crate::matching::Mismatch;
use crate::path::CanonicalPath;
use crate::policy::Policy;
use crate::request::Request;
use crate::rule::{Mode, Rule};
use crate::text::{escaped, quoted, shown};

/// What a policy makes of one request. `Display` prints it for people and is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The version of the policy.
    pub version: String,
    /// The list that the request stands on, and the reason given there; then no rule decides.
    pub listed: Option<(List, Option<String>)>,
    /// What each rule says, in the order of the file; of a request on a list, none says anything.
    pub rules: Vec<RuleExplanation>,
}

/// What one rule says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleExplanation {
    /// The name of the rule.
    pub rule: String,
    /// Its mode.
    pub mode: Mode,
    /// Whether it applies.
    pub verdict: RuleVerdict,
}

/// Whether a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleVerdict {
    /// It applies.
    Applies(Applies),
    /// It refuses the request, which lacks this part of the key.
    Refuses {
        /// The part as the policy names it.
        missing: String,
    },
    /// It does not apply.
    Skipped {
        /// The first reason.
        reason: String,
    },
    /// A list has decided: no rule is looked at.
    NotReached,
}

/// How a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applies {
    /// What the request costs under this rule.
    pub cost: u64,
    /// The parts of the key and their values: `("ip", "203.0.113.7")`. Values are what the client sent, as
    /// [`Rule::subject`] has them: escape them before showing them.
    pub subject: Vec<(String, String)>,
    /// Where the limits come from, if not from the rule: `override 0 for user acme (reason)`, `arm blue`.
    pub origin: Option<String>,
    /// The limits and their stored keys.
    pub limits: Vec<(String, String)>,
    /// The subject's slot of 10,000, if the rule has a rollout.
    pub slot: Option<u16>,
}

impl Explanation {
    pub(crate) fn new(policy: &Policy, attributes: &Attributes<'_>, now: Timestamp, cost: u64) -> Self {
        let request = Request::new(attributes, true);
        let listed = policy.listed(attributes, now).map(|listed| (listed.list, listed.reason.map(shown)));
        let reached = listed.is_none();
        let matched = policy.matched(attributes);
        let verdict = |index: usize, rule: &Rule| {
            verdict(rule, &request, matched.contains(&index), now, cost)
                .unwrap_or_else(|reason| RuleVerdict::Skipped { reason })
        };
        let explain = |(index, rule): (usize, &Rule)| RuleExplanation {
            rule: rule.name.clone(),
            mode: rule.mode,
            verdict: if reached {
                verdict(index, rule)
            } else {
                RuleVerdict::NotReached
            },
        };
        Self {
            version: policy.version().to_owned(),
            listed,
            rules: policy.rules().iter().enumerate().map(explain).collect(),
        }
    }
}

/// What a rule says, or why it says nothing; `matched` tells whether its entries are those that fit best.
fn verdict(
    rule: &Rule,
    request: &Request<'_>,
    matched: bool,
    now: Timestamp,
    cost: u64,
) -> Result<RuleVerdict, String> {
    if rule.mode == Mode::Off {
        return Err("the rule is off".to_owned());
    }
    rule.matcher.check(request).map_err(|mismatch| describe(rule, mismatch, request))?;
    if !matched && !rule.matcher.entries.is_empty() {
        let wanted: Vec<String> = rule.matcher.entries.iter().map(ToString::to_string).collect();
        return Err(format!("the descriptor is not {}, or fits another rule better", wanted.join(", ")));
    }
    let subject = match rule.key.subject(request) {
        Ok(subject) => subject,
        Err(part) => {
            let missing = rule.key.parts[part].to_string();
            if rule.refuses_missing() {
                return Ok(RuleVerdict::Refuses { missing });
            }
            return Err(format!(
                "the request has no {missing}, a part of the key (missing: {})",
                rule.key.missing
            ));
        }
    };
    let slot = rule.rollout.as_ref().map(|rollout| rollout.slot(&subject));
    let Some(choice) = rule.choose(request, &subject, now) else {
        let (slot, slots) = (slot.unwrap_or(0), rule.rollout.as_ref().map_or(0, |rollout| rollout.slots));
        return Err(format!(
            "the rollout leaves its subject out: slot {slot} of 10000, the first {slots} are in"
        ));
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let limits = choice.limits(rule).iter().map(|limit| {
        let key = format!("{}{}", text(limit.scope()), text(&subject));
        (limit.limit().to_string(), key)
    });
    let names = rule.key.parts.iter().map(ToString::to_string);
    Ok(RuleVerdict::Applies(Applies {
        cost: rule.costs.of(request, cost),
        subject: names.zip(rule.key.display(request)).collect(),
        origin: origin(rule, choice),
        limits: limits.collect(),
        slot,
    }))
}

fn origin(rule: &Rule, choice: Choice<'_>) -> Option<String> {
    match choice {
        Choice::Own => None,
        Choice::Arm(arm) => Some(format!("arm {}", arm.name)),
        Choice::Override(index) => {
            let selector = rule.overrides.selectors.get(index);
            let whom = selector.map_or(String::new(), |selector| format!(" for {selector}"));
            let reason = rule.overrides.limits[index].1.as_deref();
            let reason = reason.map_or(String::new(), |text| format!(" ({})", shown(text)));
            Some(format!("override {index}{whom}{reason}"))
        }
    }
}

/// Why the conditions of a rule do not hold.
fn describe(rule: &Rule, mismatch: Mismatch<'_>, request: &Request<'_>) -> String {
    let attributes = request.attributes;
    let one_of = |what: &str, given: Option<&str>, patterns: Vec<String>| {
        let given = given.map_or("absent".to_owned(), quoted);
        format!("the {what} is {given}, the rule wants {}", patterns.join(" or "))
    };
    fn texts(patterns: &[impl fmt::Display]) -> Vec<String> {
        patterns.iter().map(ToString::to_string).collect()
    }
    let matcher = &rule.matcher;
    match mismatch {
        Mismatch::Method => {
            let methods = matcher.methods.iter().map(|method| method.0.clone()).collect();
            one_of("method", attributes.method, methods)
        }
        Mismatch::Path => {
            one_of("path", request.path.as_ref().map(CanonicalPath::as_str), texts(&matcher.paths))
        }
        Mismatch::Route => one_of("route", attributes.route, texts(&matcher.routes)),
        Mismatch::Host => one_of("host", attributes.host, texts(&matcher.hosts)),
        Mismatch::Ip => {
            let networks = matcher.networks.iter().map(|network| network.0.to_string()).collect();
            one_of("address", request.ip.map(|ip| ip.to_string()).as_deref(), networks)
        }
        Mismatch::User => one_of("user", attributes.user, texts(&matcher.users)),
        // The value is not repeated: headers carry secrets.
        Mismatch::Header(name) => {
            let there = if attributes.header(name).is_some() {
                "has another value"
            } else {
                "is absent"
            };
            format!("the header {name} {there}")
        }
        Mismatch::Domain => {
            one_of("domain", attributes.domain, matcher.domain.iter().map(|domain| quoted(domain)).collect())
        }
        Mismatch::Descriptor(name) => {
            let there = if attributes.descriptor(name).is_some() {
                "has another value"
            } else {
                "is absent"
            };
            format!("the descriptor {} {there}", quoted(name))
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {}", self.version)?;
        if let Some((list, reason)) = &self.listed {
            let what = match list {
                List::Allow => "allow list: passes",
                List::Deny => "deny list: refused",
            };
            write!(f, "\non the {what}, no rule decides")?;
            if let Some(reason) = reason {
                write!(f, " (reason: {reason})")?;
            }
        }
        for rule in &self.rules {
            write!(f, "\n{rule}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RuleExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Shadow => " (shadow)",
            Mode::Quota => " (quota)",
            Mode::Enforce | Mode::Off => "",
        };
        match &self.verdict {
            RuleVerdict::NotReached => write!(f, "- {}{mode}: not reached", self.rule),
            RuleVerdict::Skipped { reason } => write!(f, "- {}{mode}: does not apply: {reason}", self.rule),
            RuleVerdict::Refuses { missing } => {
                write!(f, "- {}{mode}: refuses: the request has no {missing}, a part of the key", self.rule)
            }
            RuleVerdict::Applies(applies) => {
                write!(f, "+ {}{mode}: applies, cost {}, counts ", self.rule, applies.cost)?;
                if applies.subject.is_empty() {
                    f.write_str("all requests together")?;
                }
                for (index, (part, value)) in applies.subject.iter().enumerate() {
                    write!(f, "{}{part} = {}", if index > 0 { ", " } else { "" }, escaped(value))?;
                }
                if let Some(slot) = applies.slot {
                    write!(f, ", slot {slot}")?;
                }
                if let Some(origin) = &applies.origin {
                    write!(f, ", limits of {origin}")?;
                }
                if applies.limits.is_empty() {
                    f.write_str(", unlimited")?;
                }
                for (limit, key) in &applies.limits {
                    write!(f, "\n    {limit}  key {key}")?;
                }
                Ok(())
            }
        }
    }
}

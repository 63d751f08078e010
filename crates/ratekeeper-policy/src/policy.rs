//! A policy: one immutable value that answers for every request.

use std::collections::BTreeMap;

use ratekeeper_core::{Limit, Timestamp};

use crate::applicable::{Applicable, MissingPart};
use crate::attributes::Attributes;
use crate::client_ip::ClientIp;
use crate::compile::{Compiled, compile};
use crate::decode::{Decode as _, Decoder};
use crate::error::{PolicyError, PolicyErrors};
use crate::explain::Explanation;
use crate::index::Places;
use crate::list::{Entries, List, Listed};
use crate::raw::Root;
use crate::request::Request;
use crate::rule::Rule;
use crate::store_config::StoreConfig;
use crate::yaml::{self, Document};

/// A policy, checked and compiled; immutable, so that a request sees exactly one version.
///
/// ```
/// use ratekeeper_core::Timestamp;
/// use ratekeeper_policy::{Applicable, Attributes, Policy};
/// let source = "
/// rules:
///   - name: login
///     match: { methods: [POST], path: /login }
///     key: [ip]
///     limits: [ 5 per minute burst 20, 100 per day ]
/// ";
/// let policy = Policy::parse(source, "policy.yaml", &|_| None)?;
/// let request = Attributes {
///     ip: Some("203.0.113.7".parse()?),
///     method: Some("POST"),
///     path: Some("/login"),
///     ..Attributes::default()
/// };
/// let mut applicable = Applicable::new();
/// policy.applicable(&request, 1, Timestamp::EPOCH, &mut applicable);
/// assert_eq!(applicable.rules()[0].rule.name(), "login");
/// assert_eq!(applicable.limits().len(), 2);
/// assert_eq!(applicable.key(0), b"login:1m:{11:203.0.113.7}");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Policy {
    version: String,
    compiled: Compiled,
    /// Whether any rule looks at the path: if none does, it need not be brought into its one form.
    uses_path: bool,
    /// The same of headers.
    uses_headers: bool,
    warnings: Vec<PolicyError>,
}

impl Policy {
    /// Reads a policy. `file` is how errors call it; `env` gives the values of `${NAME}`.
    ///
    /// # Errors
    /// [`PolicyErrors`] has everything that is wrong, each with line, column, field and what would be right.
    ///
    /// ```
    /// let source = "rules:\n  - name: a\n    limits: [ 100 per fortnight ]\n";
    /// let errors = ratekeeper_policy::Policy::parse(source, "policy.yaml", &|_| None).unwrap_err();
    /// assert!(errors.to_string().starts_with(
    ///     "policy.yaml:3:15: rules[0].limits[0]: \"100 per fortnight\": unknown unit \"fortnight\"; use ms, s, minute"
    /// ));
    /// ```
    pub fn parse(
        source: &str,
        file: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, PolicyErrors> {
        let document =
            yaml::parse(source, yaml::POLICY).map_err(|error| PolicyErrors::of_syntax(file, error))?;
        let mut decoder = Decoder::new(&document, file, env);
        let root = Root::decode(Document::ROOT, &mut decoder);
        let compiled = root.map(|root| compile(root, &mut decoder));
        let warnings = decoder.finish()?;
        let compiled = compiled.ok_or_else(|| PolicyErrors::unreadable(file))?;
        let uses_path = compiled.rules.iter().any(Rule::uses_path);
        let uses_headers = compiled.rules.iter().any(Rule::uses_headers)
            || compiled.allow.uses_headers()
            || compiled.deny.uses_headers();
        let version = blake3::hash(source.as_bytes()).to_hex()[..12].to_owned();
        Ok(Self { version, compiled, uses_path, uses_headers, warnings })
    }

    /// [`parse`](Self::parse) for bytes that may or may not be UTF-8.
    ///
    /// # Errors
    /// Where the first byte that is no UTF-8 stands, or as [`parse`](Self::parse).
    pub fn from_bytes(
        source: &[u8],
        file: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, PolicyErrors> {
        let source =
            yaml::utf8(source, yaml::POLICY).map_err(|error| PolicyErrors::of_syntax(file, error))?;
        Self::parse(source, file, env)
    }

    /// The version: the first 12 hexadecimal digits of the BLAKE3 hash of the source.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is allowed and surely not meant, such as a route whose cost no limit can ever let pass; at most 50.
    #[must_use]
    pub fn warnings(&self) -> &[PolicyError] {
        &self.warnings
    }

    /// The policy with these warnings before its own: of what it was made from.
    #[must_use]
    pub fn with_warnings(mut self, mut warnings: Vec<PolicyError>) -> Self {
        warnings.append(&mut self.warnings);
        Self { warnings, ..self }
    }

    /// The rules, in the order of the file, those that are off among them.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.compiled.rules
    }

    /// The rule at this place; beyond the rules of the file, the one of limits that requests bring along, which is
    /// called `(request)`.
    #[must_use]
    pub fn rule(&self, index: usize) -> &Rule {
        self.compiled.rules.get(index).unwrap_or(&self.compiled.own)
    }

    /// The rule whose name is nearest to this one, if it is near: what was meant by a name that no rule has.
    #[must_use]
    pub fn nearest_rule(&self, name: &str) -> Option<&Rule> {
        let near = crate::text::nearest(name, self.rules().iter().map(Rule::name))?;
        self.rules().iter().find(|rule| rule.name() == near)
    }

    /// Every limit whose counters stand under keys that begin with `scope` (see [`scope`](crate::PolicyLimit::scope)), and its rule: the
    /// rule's own, and those of overrides and arms that share its counters.
    pub fn in_scope<'p>(&'p self, scope: &'p [u8]) -> impl Iterator<Item = (&'p Rule, &'p Limit)> {
        let rules = self.compiled.rules.iter();
        let all = rules.flat_map(|rule| rule.every_limit().map(move |limit| (rule, limit)));
        all.filter(move |(_, limit)| limit.scope() == scope)
            .map(|(rule, limit)| (rule, limit.limit()))
    }

    /// The stores by name, in alphabetical order; `default` is always among them.
    pub fn stores(&self) -> impl Iterator<Item = (&str, &StoreConfig)> {
        let stores: &BTreeMap<String, StoreConfig> = &self.compiled.stores;
        stores.iter().map(|(name, store)| (name.as_str(), store))
    }

    /// How the client's address is told from its proxies.
    #[must_use]
    pub fn client_ip(&self) -> &ClientIp {
        &self.compiled.client_ip
    }

    /// Whether a request stands on a list at `now`; the allow list wins. Allocates nothing.
    #[must_use]
    pub fn listed(&self, attributes: &Attributes<'_>, now: Timestamp) -> Option<Listed<'_>> {
        if self.compiled.allow.is_empty() && self.compiled.deny.is_empty() {
            return None;
        }
        let request = Request::new(attributes, false);
        let on = |list, entries: &Entries| entries.find(&request, now).map(|place| self.listing(list, place));
        on(List::Allow, &self.compiled.allow).or_else(|| on(List::Deny, &self.compiled.deny))
    }

    /// The entry at this place of a list.
    #[must_use]
    pub fn listing(&self, list: List, place: usize) -> Listed<'_> {
        let entries = match list {
            List::Allow => &self.compiled.allow,
            List::Deny => &self.compiled.deny,
        };
        Listed { list, place, reason: entries.reason(place) }
    }

    /// The rules that apply at `now` to a request whose own cost is `cost` (1 for most), with limits and keys. Overrides
    /// past their `until` no longer count.
    ///
    /// Lists are not looked at, see [`listed`](Self::listed). `out` is cleared first.
    pub fn applicable<'p>(
        &'p self,
        attributes: &Attributes<'_>,
        cost: u64,
        now: Timestamp,
        out: &mut Applicable<'p>,
    ) {
        out.clear();
        self.add_applicable(0, attributes, cost, now, out);
        out.replace();
    }

    /// The same for one part of a request that has several: what `out` holds already stays. When all parts are in,
    /// [`Applicable::replace`] follows.
    pub fn add_applicable<'p>(
        &'p self,
        part: usize,
        attributes: &Attributes<'_>,
        cost: u64,
        now: Timestamp,
        out: &mut Applicable<'p>,
    ) {
        let request = Request::new(attributes, self.uses_path);
        let mut found = Places::new();
        self.compiled.trees.find(attributes.domain, attributes.descriptors, &mut found);
        self.compiled.plain.find(&request, &mut found);
        found.sort_unstable();
        found.dedup();
        let mut found = found.into_iter().peekable();
        let mut consider = |index| {
            out.consider(part, index, &self.compiled.rules[index], &request, cost, now);
        };
        for &index in self.compiled.plain.always() {
            while let Some(before) = found.next_if(|found| *found < index) {
                consider(before);
            }
            consider(index);
        }
        found.for_each(consider);
    }

    /// The places of the rules that fit the descriptors of a request best, in no order.
    pub(crate) fn matched(&self, attributes: &Attributes<'_>) -> Places {
        let mut found = Places::new();
        self.compiled.trees.find(attributes.domain, attributes.descriptors, &mut found);
        found
    }

    /// Adds a limit that a request brings along. It is counted by the domain and the descriptors of `attributes`, under
    /// [`rule`](Self::rule) number `rules().len()`, which no policy writes.
    pub fn add_own<'p>(
        &'p self,
        part: usize,
        attributes: &Attributes<'_>,
        limit: &'p Limit,
        out: &mut Applicable<'p>,
    ) {
        out.push_own(part, self.compiled.rules.len(), &self.compiled.own, limit, attributes);
    }

    /// Whether a rule is about this domain, or about the descriptors of every domain.
    #[must_use]
    pub fn knows_domain(&self, domain: &str) -> bool {
        self.compiled.trees.knows(domain)
    }

    /// The limits and keys of one subject of the rule at this place in [`rules`](Self::rules), whether the rule applies to
    /// its requests or not: for operators, who name a subject by the parts of its key. `out` is cleared first.
    ///
    /// # Errors
    /// The first part of the key that `attributes` lacks.
    ///
    /// # Panics
    /// If there is no such rule.
    pub fn subject<'p>(
        &'p self,
        rule: usize,
        attributes: &Attributes<'_>,
        now: Timestamp,
        out: &mut Applicable<'p>,
    ) -> Result<(), MissingPart<'p>> {
        out.clear();
        self.add_subject(0, rule, attributes, now, out)
    }

    /// The same for one part of a request that has several: what `out` holds already stays.
    ///
    /// # Errors
    /// The first part of the key that `attributes` lacks.
    ///
    /// # Panics
    /// If there is no such rule.
    pub fn add_subject<'p>(
        &'p self,
        part: usize,
        rule: usize,
        attributes: &Attributes<'_>,
        now: Timestamp,
        out: &mut Applicable<'p>,
    ) -> Result<(), MissingPart<'p>> {
        out.push_subject(part, rule, &self.compiled.rules[rule], &Request::new(attributes, true), now)
    }

    /// Whether any rule or list looks at headers: if none does, they need not be collected.
    #[must_use]
    pub fn uses_headers(&self) -> bool {
        self.uses_headers
    }

    /// Why a request meets which rules, with which keys, limits and cost; for people.
    #[must_use]
    pub fn explain(&self, attributes: &Attributes<'_>, now: Timestamp, cost: u64) -> Explanation {
        Explanation::new(self, attributes, now, cost)
    }
}

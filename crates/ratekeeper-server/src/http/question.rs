//! What is asked by `/v1/check` and `/v1/reserve`.

use std::net::IpAddr;

use ratekeeper_core::MAX_COUNT;
use ratekeeper_engine::{Request, RequestOp};
use ratekeeper_policy::Attributes;
use serde::{Deserialize, Deserializer};
use smallvec::SmallVec;

use super::error::ApiError;
use super::json::{self, Count, Object};
use super::text::{Text, Texts};

/// The most checks of one request.
pub(super) const MOST_CHECKS: usize = 1000;

/// One check, or several.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Questions<'a> {
    #[serde(borrow)]
    attributes: Option<Object<Facts<'a>>>,
    cost: Option<Count>,
    op: Option<Operation>,
    #[serde(borrow)]
    checks: Option<Vec<Object<Question<'a>>>>,
}

/// One check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question<'a> {
    #[serde(borrow)]
    attributes: Object<Facts<'a>>,
    cost: Option<Count>,
    #[serde(default)]
    op: Operation,
}

/// What is known of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts<'a> {
    #[serde(borrow)]
    ip: Option<Text<'a>>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow)]
    route: Option<Text<'a>>,
    #[serde(borrow)]
    host: Option<Text<'a>>,
    #[serde(borrow)]
    user: Option<Text<'a>>,
    #[serde(borrow)]
    domain: Option<Text<'a>>,
    #[serde(borrow, default)]
    headers: Texts<'a>,
    #[serde(borrow, default)]
    descriptors: Texts<'a>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Operation {
    #[default]
    Take,
    TakeUpTo,
    Peek,
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = [
            ("take", Self::Take),
            ("take_up_to", Self::TakeUpTo),
            ("peek", Self::Peek),
        ];
        json::one_of(deserializer, &words)
    }
}

/// What is asked: one thing, or a list.
pub(super) enum Asked<'a> {
    One(Question<'a>),
    Many(Vec<Object<Question<'a>>>),
}

impl<'a> Questions<'a> {
    /// # Errors
    /// If it is neither one check nor a list of them.
    pub(super) fn asked(self) -> Result<Asked<'a>, ApiError> {
        match self {
            Self { attributes: Some(attributes), cost, op, checks: None } => {
                Ok(Asked::One(Question { attributes, cost, op: op.unwrap_or_default() }))
            }
            Self { attributes: None, cost: None, op: None, checks: Some(checks) } => {
                if checks.is_empty() || checks.len() > MOST_CHECKS {
                    return Err(ApiError::bad_request(format!(
                        "checks: it has {}; send 1 to {MOST_CHECKS} checks.",
                        checks.len()
                    )));
                }
                Ok(Asked::Many(checks))
            }
            _ => Err(ApiError::bad_request(
                "Send either `attributes` (with `cost` and `op` if need be), or `checks`, a list of such objects.",
            )),
        }
    }
}

type Pairs<'q> = SmallVec<[(&'q str, &'q str); 8]>;

impl Question<'_> {
    /// The question, once it is found to make sense.
    ///
    /// # Errors
    /// If the address is none, or the cost is out of range.
    pub(super) fn prepared(&self) -> Result<Prepared<'_>, ApiError> {
        let facts = &self.attributes.0;
        let ip = match &facts.ip {
            None => None,
            Some(text) => Some(text.parse::<IpAddr>().map_err(|_| {
                ApiError::bad_request(
                    "attributes.ip: this is no address; write one such as 203.0.113.7 or 2001:db8::7, \
                     without port, zone or leading zeros.",
                )
            })?),
        };
        let Count(cost) = self.cost.unwrap_or(Count(1));
        if !(1..=MAX_COUNT).contains(&cost) {
            return Err(ApiError::bad_request(format!(
                "cost: {cost} is out of range; write 1 to {MAX_COUNT}, or ask with the op peek to take nothing."
            )));
        }
        Ok(Prepared {
            question: self,
            ip,
            cost,
            headers: borrowed(&facts.headers),
            descriptors: borrowed(&facts.descriptors),
        })
    }
}

fn borrowed<'q>(texts: &'q Texts<'_>) -> Pairs<'q> {
    texts.0.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// A question that was found to make sense.
pub(super) struct Prepared<'q> {
    question: &'q Question<'q>,
    ip: Option<IpAddr>,
    cost: u64,
    headers: Pairs<'q>,
    descriptors: Pairs<'q>,
}

impl Prepared<'_> {
    /// The question as the engine takes it.
    pub(super) fn request(&self) -> Request<'_> {
        let facts = &self.question.attributes.0;
        let attributes = Attributes {
            ip: self.ip,
            client_name: None,
            user: facts.user.as_deref(),
            method: facts.method.as_deref(),
            path: facts.path.as_deref(),
            route: facts.route.as_deref(),
            host: facts.host.as_deref(),
            headers: &self.headers,
            domain: facts.domain.as_deref(),
            descriptors: &self.descriptors,
        };
        let op = match self.question.op {
            Operation::Take => RequestOp::Take,
            Operation::TakeUpTo => RequestOp::TakeUpTo,
            Operation::Peek => RequestOp::Peek,
        };
        Request::new(attributes).costing(self.cost).asking(op)
    }
}

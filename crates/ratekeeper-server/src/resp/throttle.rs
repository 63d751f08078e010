//! `CL.THROTTLE key max_burst count period [quantity]`, as the module redis-cell answers it.

use ratekeeper_core::{Limit, Micros};
use ratekeeper_engine::{By, Part, RequestOp};
use ratekeeper_policy::Attributes;
use ratekeeper_resp::{Reply, Request};

use super::decide::decide;
use super::refused::{Refused, excerpt};
use crate::app::App;

/// The command, with the limit that a connection has asked for last: most ask for the same again.
#[derive(Debug, Default)]
pub(super) struct Throttle(Option<(Quota, Limit)>);

/// A limit as the command has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    max_burst: u64,
    count: u64,
    period: u64,
}

impl Throttle {
    pub(super) async fn run(
        &mut self,
        app: &App,
        request: &Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<(), Refused> {
        let (5 | 6, Some(key)) = (request.len(), request.get(1)) else {
            return Err(wrong(
                "Usage: cl.throttle <key> <max_burst> <count per period> <period> [<quantity>]",
            ));
        };
        let key = std::str::from_utf8(key).map_err(|_| wrong("The key is not UTF-8"))?;
        let quota = Quota {
            max_burst: number(request, 2, "max_burst")?,
            count: number(request, 3, "count per period")?,
            period: number(request, 4, "period")?,
        };
        let quantity = if request.len() == 6 {
            number(request, 5, "quantity")?
        } else {
            1
        };
        let limit = self.limit(quota)?;
        // In no domain: those of Envoy's requests all are in one, and cannot name these counters.
        let descriptors = [("cl.throttle", key)];
        let part = Part {
            attributes: Attributes { descriptors: &descriptors, ..Attributes::default() },
            by: By::Limit(limit),
            cost: quantity,
            op: if quantity == 0 {
                RequestOp::Peek
            } else {
                RequestOp::Take
            },
        };
        let outcome = decide(app, &app.engine.current(), part).await;
        let Some(verdict) = outcome.limits.first().and_then(|limit| limit.verdict.as_ref()) else {
            return Err(wrong("The store of the limits does not answer"));
        };
        let retry_after = outcome.retry_after().filter(|_| !outcome.allowed());
        reply.array(5).integer(i64::from(!outcome.allowed()));
        reply.integer(integer(limit.burst()));
        reply.integer(integer(verdict.remaining));
        reply.integer(retry_after.map_or(-1, seconds));
        reply.integer(seconds(verdict.reset_after));
        Ok(())
    }

    fn limit(&mut self, quota: Quota) -> Result<&Limit, Refused> {
        if self.0.as_ref().is_none_or(|(last, _)| *last != quota) {
            self.0 = Some((quota, quota.limit()?));
        }
        match &self.0 {
            Some((_, limit)) => Ok(limit),
            None => Err(wrong("There is no limit")),
        }
    }
}

impl Quota {
    fn limit(self) -> Result<Limit, Refused> {
        if self.count == 0 || self.period == 0 {
            return Err(wrong("Zero rates are not supported"));
        }
        let window = Micros::new(self.period.saturating_mul(Micros::SECOND.get()));
        let limit = Limit::token_bucket(self.count, window)
            .and_then(|limit| limit.with_burst(self.max_burst.saturating_add(1)));
        limit.map_err(|error| wrong(&error.to_string()))
    }
}

/// As redis-cell writes its errors.
fn wrong(what: &str) -> Refused {
    format!("Cell error: Store error: {what}").into()
}

fn number(request: &Request<'_>, place: usize, name: &str) -> Result<u64, Refused> {
    let given = request.get(place).unwrap_or_default();
    let number: Option<i64> = std::str::from_utf8(given).ok().and_then(|text| text.parse().ok());
    let number = number.ok_or_else(|| wrong(&format!("Couldn't parse as integer: {}", excerpt(given))))?;
    u64::try_from(number).map_err(|_| wrong(&format!("{name}: {number} is negative")))
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whole seconds, rounded up: who waits for them does not come too early.
fn seconds(span: Micros) -> i64 {
    integer(span.get().div_ceil(Micros::SECOND.get()))
}

//! A request of the rate limit service, as the engine takes it: each descriptor is a part.

use std::ops::Range;

use ratekeeper_core::{Limit, MAX_COUNT, Micros};
use ratekeeper_engine::{By, Part, RequestOp};
use ratekeeper_envoy::{RateLimitDescriptor, RateLimitOverride, RateLimitRequest, Unit};
use ratekeeper_policy::Attributes;
use tonic::Status;

/// The most descriptors of a request.
const MOST_DESCRIPTORS: usize = 100;

/// A request that was found to make sense.
pub(super) struct Asked<'r> {
    domain: &'r str,
    /// Those of all descriptors, one after the other.
    entries: Vec<(&'r str, &'r str)>,
    descriptors: Vec<Descriptor>,
}

struct Descriptor {
    entries: Range<usize>,
    /// The limit that it brings along.
    limit: Option<Limit>,
    cost: u64,
    op: RequestOp,
}

impl<'r> Asked<'r> {
    /// # Errors
    /// If the request has no domain, no descriptors or too many of them, or a limit without a unit. Envoy's own service says so
    /// in the same words, but under the code `UNKNOWN`.
    pub(super) fn new(request: &'r RateLimitRequest) -> Result<Self, Status> {
        if request.domain.is_empty() {
            return Err(Status::invalid_argument("rate limit domain must not be empty"));
        }
        if request.descriptors.is_empty() {
            return Err(Status::invalid_argument("rate limit descriptor list must not be empty"));
        }
        if request.descriptors.len() > MOST_DESCRIPTORS {
            return Err(Status::invalid_argument(format!(
                "descriptors: there are {}; send {MOST_DESCRIPTORS} at most",
                request.descriptors.len()
            )));
        }
        let mut asked = Self {
            domain: &request.domain,
            entries: Vec::with_capacity(request.descriptors.len()),
            descriptors: Vec::with_capacity(request.descriptors.len()),
        };
        for (place, descriptor) in request.descriptors.iter().enumerate() {
            asked.add(place, descriptor, request.hits_addend)?;
        }
        Ok(asked)
    }

    fn add(&mut self, place: usize, descriptor: &'r RateLimitDescriptor, hits: u32) -> Result<(), Status> {
        let start = self.entries.len();
        let entries = descriptor.entries.iter();
        self.entries.extend(entries.map(|entry| (entry.key.as_str(), entry.value.as_str())));
        let limit = descriptor.limit.as_ref().map(|limit| own(place, limit)).transpose()?;
        let hits = match &descriptor.hits_addend {
            Some(hits) => hits.value,
            None => u64::from(hits).max(1),
        };
        let op = match hits {
            0 => RequestOp::Peek,
            _ if descriptor.is_negative_hits => RequestOp::Refund,
            _ => RequestOp::Take,
        };
        // Who looks is told whether one more would pass. No limit is as large as the most.
        let cost = hits.clamp(1, MAX_COUNT);
        self.descriptors.push(Descriptor { entries: start..self.entries.len(), limit, cost, op });
        Ok(())
    }

    /// All descriptors, in order; the limits that they bring along count only where `own_limits` says so.
    pub(super) fn parts(&self, own_limits: bool) -> Vec<Part<'_>> {
        self.descriptors.iter().map(|descriptor| self.part(descriptor, own_limits)).collect()
    }

    fn part<'a>(&'a self, descriptor: &'a Descriptor, own_limits: bool) -> Part<'a> {
        let attributes = Attributes {
            domain: Some(self.domain),
            descriptors: &self.entries[descriptor.entries.clone()],
            ..Attributes::default()
        };
        let limit = descriptor.limit.as_ref().filter(|_| own_limits);
        let by = limit.map_or(By::Policy, By::Limit);
        Part { attributes, by, cost: descriptor.cost, op: descriptor.op }
    }
}

/// The limit that a descriptor brings along: windows are aligned to the epoch, a month has 30 days and a year 365.
fn own(place: usize, limit: &RateLimitOverride) -> Result<Limit, Status> {
    const DAY: u64 = 86_400;
    let seconds = match Unit::try_from(limit.unit) {
        Ok(Unit::Second) => 1,
        Ok(Unit::Minute) => 60,
        Ok(Unit::Hour) => 3600,
        Ok(Unit::Day) => DAY,
        Ok(Unit::Week) => 7 * DAY,
        Ok(Unit::Month) => 30 * DAY,
        Ok(Unit::Year) => 365 * DAY,
        Ok(Unit::Unknown) | Err(_) => {
            let message = format!("descriptors[{place}].limit.unit: it is none of SECOND to YEAR");
            return Err(Status::invalid_argument(message));
        }
    };
    Limit::fixed_window(limit.requests_per_unit.into(), Micros::new(seconds * 1_000_000))
        .map_err(|error| Status::invalid_argument(format!("descriptors[{place}].limit: {error}")))
}

//! Reserve now, settle when the cost is known.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ratekeeper_core::{Key, Limit, MAX_KEY, Micros, Op, Timestamp};
use ratekeeper_policy::Policy;
use ratekeeper_store::{Batch, Check, Group, Overflow, Store, StoreError};

use crate::asking::Asking;
use crate::receipt::{Place, Receipt, Taken};
use crate::snapshot::{Snapshot, same_clock};
use crate::tally::holds;
use crate::wire::Wire;
use crate::{Engine, EngineError, Outcome, Part, Request};

/// Bytes of the authentication code at the end of a handle.
const CODE: usize = 16;

/// A request that was decided on an estimate of its cost.
#[derive(Debug)]
pub struct Reservation {
    /// The decision.
    pub outcome: Outcome,
    /// What settles it later; `None` if it was refused, or nothing counts it. Text that is safe in URLs and headers,
    /// authenticated and self-contained: any engine with the same secret and stores can settle it.
    pub handle: Option<String>,
}

/// What settling a reservation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The difference between estimate and actual cost was given back or charged.
    Settled,
    /// It had been settled before: nothing happened.
    Repeated,
}

impl Engine {
    /// Takes an estimated cost now, as [`Engine::check`] does, and returns a handle with which the actual cost is settled
    /// later. A reservation that is never settled stays spent.
    pub async fn reserve(&self, request: &Request<'_>) -> Reservation {
        let parts = [Part::from(request)];
        let outcome = Asking::new(self, &self.current().0, &parts, request.now).decide(true).await;
        let receipt = outcome.receipt.as_deref().filter(|receipt| !receipt.taken.is_empty());
        let handle = receipt.and_then(|receipt| self.seal(receipt, outcome.decided_at));
        Reservation { outcome, handle }
    }

    /// Settles a reservation at its actual cost: gives back what was not used, or charges what was used beyond the
    /// estimate, into debt if need be. Exactly once, however often it is repeated; holders of concurrency limits are
    /// released. Where a limit has changed since, what was not used stays spent.
    ///
    /// ```
    /// # use ratekeeper_engine::{Engine, Request, Settlement};
    /// # use ratekeeper_policy::{Attributes, Policy};
    /// # let source = "rules: [{ name: tokens, key: [user], limits: [1000 per day] }]";
    /// # let engine = Engine::new(Policy::parse(source, "policy.yaml", &|_| None)?)?;
    /// let request = Request::new(Attributes { user: Some("alice"), ..Default::default() }).costing(100);
    /// # let (mut done, mut context) = (false, std::task::Context::from_waker(std::task::Waker::noop()));
    /// # let mut example = std::pin::pin!(async {
    /// let reserved = engine.reserve(&request).await;
    /// let handle = reserved.handle.unwrap();
    /// assert_eq!(engine.commit(&handle, 30).await?, Settlement::Settled);
    /// assert_eq!(engine.commit(&handle, 30).await?, Settlement::Repeated);
    /// let after = engine.check(&request).await;
    /// assert_eq!(after.limits[0].verdict.unwrap().remaining, 1000 - 30 - 100);
    /// # done = true;
    /// # Ok::<_, Box<dyn std::error::Error>>(()) });
    /// # assert!(example.as_mut().poll(&mut context).is_ready());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the handle is not one of ours, or has expired; if a store forgets live counters (`overflow: evict`); or if a store
    /// failed: then settling it again is safe.
    pub async fn commit(&self, handle: &str, actual: u64) -> Result<Settlement, EngineError> {
        self.commit_at(handle, actual, None).await
    }

    /// As [`Engine::commit`], at an instant of the caller's, for replays and tests.
    ///
    /// # Errors
    /// As [`Engine::commit`].
    pub async fn commit_at(
        &self,
        handle: &str,
        actual: u64,
        now: Option<Timestamp>,
    ) -> Result<Settlement, EngineError> {
        let wire = self.unseal(handle)?;
        let instant = now.unwrap_or_else(|| self.clock.now());
        let late = instant.since(wire.expires());
        if late > Micros::ZERO {
            return Err(EngineError::Expired { micros: late.get() });
        }
        // A marker that can be taken once, for as long as the handle lives, whichever engine made it.
        let once = Limit::token_bucket(1, Micros::new(wire.ttl)).map_err(|_| EngineError::ForeignHandle)?;
        let marker = Marker { id: wire.id, once };
        let wire_instance = wire.instance;
        let receipt = wire.receipt().map_err(|_| EngineError::ForeignHandle)?;
        // What was counted in another process, while a store failed there, is for that process to settle.
        let ours = |place: &Place| *place != Place::Local || wire_instance == self.holder_seed;
        let (mut settlement, mut failure) = (Settlement::Repeated, None);
        for place in places(&receipt).into_iter().filter(|place| ours(place)) {
            match self.settle(&marker, &receipt, place, actual, (now, instant)).await {
                Ok(true) => settlement = Settlement::Settled,
                Ok(false) => {}
                // The other stores are settled all the same.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(settlement), Err)
    }

    /// Releases the holders of concurrency limits that a request took. Nothing happens to requests that hold nothing, or
    /// the second time. A holder that is never released is forgotten after its ttl.
    ///
    /// # Errors
    /// If a store failed; releasing again is safe.
    pub async fn release(&self, outcome: &Outcome) -> Result<(), EngineError> {
        match &outcome.receipt {
            // The stores of then, since the policy may have changed.
            Some(receipt) => self.release_held(receipt, &outcome.snapshot).await,
            None => Ok(()),
        }
    }

    /// What releases the holders of an outcome later, from anywhere: as [`Reservation::handle`]. `None` if it holds nothing.
    #[must_use]
    pub fn handle(&self, outcome: &Outcome) -> Option<String> {
        let receipt = outcome.receipt.as_deref().filter(|receipt| !receipt.taken.is_empty())?;
        self.seal(receipt, self.clock.now())
    }

    /// Releases the holders behind a handle; what rates took stays spent. Nothing happens the second time.
    ///
    /// # Errors
    /// If the handle is not one of ours; or if a store failed: releasing again is safe.
    pub async fn release_handle(&self, handle: &str) -> Result<(), EngineError> {
        let wire = self.unseal(handle)?;
        let ours = wire.instance == self.holder_seed;
        let mut receipt = wire.receipt().map_err(|_| EngineError::ForeignHandle)?;
        receipt.taken.retain(|taken| ours || taken.place != Place::Local);
        self.release_held(&receipt, &self.current().0).await
    }

    async fn release_held(&self, receipt: &Receipt, snapshot: &Snapshot) -> Result<(), EngineError> {
        let mut failure = None;
        for taken in receipt.taken.iter().filter(|taken| holds(&taken.limit)) {
            let store = match &taken.place {
                Place::Local => Arc::clone(&self.local) as _,
                Place::Named(name) => match snapshot.stores.get(name) {
                    Some(store) => Arc::clone(store),
                    None => continue,
                },
            };
            let current = self.current.load();
            let limit = standing(&current.policy, taken).unwrap_or(&taken.limit).clone();
            let mut batch = Batch::new();
            batch.push(Op::Refund, [refund_of(taken, &limit, 0)]);
            let answer = store.apply(&mut batch).wait().await;
            failure = failure.or(answer.err());
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Settles the part of a reservation that one store holds: the marker, and all charges and refunds, are one atomic
    /// unit.
    async fn settle(
        &self,
        marker: &Marker,
        receipt: &Receipt,
        place: &Place,
        actual: u64,
        (now, instant): (Option<Timestamp>, Timestamp),
    ) -> Result<bool, EngineError> {
        let store = self.store_at(place)?;
        if let (Place::Named(name), Overflow::Evict) = (place, store.capabilities().overflow) {
            return Err(EngineError::Forgetful { name: name.clone() });
        }
        let mine: Vec<&Taken> = receipt.taken.iter().filter(|taken| taken.place == *place).collect();
        let key = marker.key(&mine);
        let key = Key::new(&key).unwrap_or_default();
        let current = Arc::clone(&self.current.load());
        let mut batch = Batch::new();
        batch.now = if same_clock(store.as_ref()) {
            Some(instant)
        } else {
            now
        };
        let settled = mine.iter().filter_map(|taken| {
            let limit = standing(&current.policy, taken);
            settle_one(taken, limit, receipt.units, actual)
        });
        batch.push(Op::Take, std::iter::once(Check::new(key, &marker.once, 1)).chain(settled));
        store.apply(&mut batch).wait().await?;
        let passes = batch.units()[0].passes;
        if !passes && batch.checks(0)[0].degraded {
            // A full store knows the marker no longer from others: it says nothing about this one.
            let reason = "it is full and cannot tell whether this was settled before".to_owned();
            return Err(StoreError::Unavailable { reason }.into());
        }
        Ok(passes)
    }

    fn store_at(&self, place: &Place) -> Result<Arc<dyn Store>, EngineError> {
        match place {
            Place::Local => Ok(Arc::clone(&self.local) as _),
            Place::Named(name) => {
                let current = self.current.load();
                let store = current.stores.get(name).cloned();
                store.ok_or_else(|| EngineError::StoreUnknown { name: name.clone() })
            }
        }
    }

    fn seal(&self, receipt: &Receipt, now: Timestamp) -> Option<String> {
        let wire = Wire::new(self.next_holder().get(), self.holder_seed, now, self.reservation_ttl, receipt);
        let mut bytes = postcard::to_allocvec(&wire).ok()?;
        let code = self.secret.sign(&bytes);
        bytes.extend_from_slice(&code.as_bytes()[..CODE]);
        Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    fn unseal(&self, handle: &str) -> Result<Wire, EngineError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(handle).map_err(|_| EngineError::ForeignHandle)?;
        let body = bytes.len().checked_sub(CODE).ok_or(EngineError::ForeignHandle)?;
        let (body, code) = bytes.split_at(body);
        let expected = self.secret.sign(body);
        if !constant_time_eq::constant_time_eq(&expected.as_bytes()[..CODE], code) {
            return Err(EngineError::ForeignHandle);
        }
        postcard::from_bytes(body).map_err(|_| EngineError::ForeignHandle)
    }
}

/// What can be taken once for a reservation, in each of its stores.
struct Marker {
    id: u128,
    once: Limit,
}

impl Marker {
    /// Its key, beside the counters of the same subject.
    fn key(&self, taken: &[&Taken]) -> Vec<u8> {
        let subject = taken.first().map_or(&[][..], |taken| &taken.key[taken.scope.min(taken.key.len())..]);
        let mut key = [format!("once:{:032x}:", self.id).as_bytes(), subject].concat();
        key.truncate(MAX_KEY);
        key
    }
}

/// The places of a receipt, each once.
fn places(receipt: &Receipt) -> Vec<&Place> {
    let mut places: Vec<&Place> = Vec::new();
    for taken in &receipt.taken {
        if !places.contains(&&taken.place) {
            places.push(&taken.place);
        }
    }
    places
}

/// The limit that a counter stands under now: the one it was taken under, unless the policy has another by now. `None` if
/// nothing in the policy counts there any more.
fn standing<'p>(policy: &'p Policy, taken: &'p Taken) -> Option<&'p Limit> {
    let scope = &taken.key[..taken.scope.min(taken.key.len())];
    let mut first = None;
    for (rule, limit) in policy.in_scope(scope) {
        let share = rule.local_share();
        let unchanged = match taken.place {
            Place::Named(_) => limit.tag() == taken.limit.tag(),
            Place::Local => limit.scaled(share.numerator, share.denominator).tag() == taken.limit.tag(),
        };
        if unchanged {
            return Some(&taken.limit);
        }
        first = first.or(Some(limit));
    }
    first
}

/// Charges or gives back the difference, iff the marker of the unit passes.
///
/// A counter whose limit has changed is not written under the old one, which would undo the change. It is charged under the
/// new one; what would be given back stays spent, since the counter may have begun anew.
fn settle_one<'a>(
    taken: &'a Taken,
    limit: Option<&'a Limit>,
    estimate: u64,
    actual: u64,
) -> Option<Check<'a>> {
    let limit = limit.unwrap_or(&taken.limit);
    let unchanged = limit.tag() == taken.limit.tag();
    let (estimate, actual) = (taken.factor.saturating_mul(estimate), taken.factor.saturating_mul(actual));
    let check = match actual.checked_sub(estimate) {
        _ if holds(&taken.limit) && holds(limit) => refund_of(taken, limit, 0),
        Some(more) if more > 0 && !holds(limit) && taken.place != Place::Local => {
            Check::new(key_of(taken), limit, more).with_op(Op::Charge)
        }
        Some(more) if more > 0 && unchanged => Check::new(key_of(taken), limit, more).with_op(Op::Charge),
        None if unchanged => refund_of(taken, limit, estimate - actual),
        _ => return None,
    };
    Some(check.in_group(Group::Shadow(0)))
}

fn refund_of<'a>(taken: &'a Taken, limit: &'a Limit, cost: u64) -> Check<'a> {
    let mut check = Check::new(key_of(taken), limit, cost).with_token(taken.token).with_op(Op::Refund);
    check.degraded = taken.shared;
    check
}

fn key_of(taken: &Taken) -> Key<'_> {
    Key::scoped(&taken.key, taken.scope).unwrap_or_default()
}

//! The policy in force, held on to.

use std::ops::Deref;
use std::sync::Arc;

use ratekeeper_policy::Policy;

use crate::snapshot::Snapshot;

/// The policy that was in force when [`Engine::current`](crate::Engine::current) was asked; it goes on to exist while it
/// is held, whatever the engine is given meanwhile.
#[derive(Clone, Debug)]
pub struct Current(pub(crate) Arc<Snapshot>);

impl Current {
    /// Whether all of its stores answer at once, so that [`Engine::check_now`](crate::Engine::check_now) always does.
    #[must_use]
    pub fn answers_at_once(&self) -> bool {
        self.0.answers_at_once
    }
}

impl Deref for Current {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.0.policy
    }
}

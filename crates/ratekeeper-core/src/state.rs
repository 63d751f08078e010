//! What a store keeps of one counter.

use std::borrow::Cow;

use crate::algorithm;
use crate::kernel::At;
use crate::limit::Tag;
use crate::time::Timestamp;
use crate::{Entries, Gcra, Limit, Window};

/// The state of one counter, as one of the three kernels keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Token and leaky buckets.
    Gcra(Gcra),
    /// Fixed, calendar and sliding windows.
    Window(Window),
    /// Sliding logs and concurrency limits; boxed, since it is the rarer and larger one.
    Entries(Box<Entries>),
}

/// A state and the tag of the limit it was written under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// The limit that wrote it.
    pub tag: Tag,
    /// What it wrote.
    pub state: State,
}

impl Stored {
    /// The state of a counter that nobody has asked for yet.
    #[must_use]
    pub fn absent(limit: &Limit) -> Self {
        let state = match limit.algorithm.kernel() {
            algorithm::Kernel::Gcra => State::Gcra(Gcra::default()),
            algorithm::Kernel::Window => State::Window(Window::default()),
            algorithm::Kernel::Entries => State::Entries(Box::default()),
        };
        Self { tag: limit.tag, state }
    }

    /// This state as `limit` reads it: unchanged under the limit that wrote it, else carried over as far as its
    /// counts keep their meaning.
    #[inline]
    pub(crate) fn adapted(&self, limit: &Limit, at: At) -> Cow<'_, Self> {
        if self.tag == limit.tag {
            return Cow::Borrowed(self);
        }
        Cow::Owned(self.carried_over(limit, at))
    }

    /// Rewrites this state as `limit` reads it.
    #[inline]
    pub(crate) fn adapt(&mut self, limit: &Limit, at: At) {
        if self.tag != limit.tag {
            *self = self.carried_over(limit, at);
        }
    }

    #[cold]
    fn carried_over(&self, limit: &Limit, at: At) -> Self {
        let fresh = Self::absent(limit);
        let state = match (&self.state, fresh.state) {
            _ if limit.reset_on_change => return Self::absent(limit),
            (State::Gcra(gcra), State::Gcra(_)) => State::Gcra(gcra.adapt(limit, at)),
            (State::Window(_) | State::Entries(_), _) if self.tag.same_window(limit.tag) => {
                self.state.clone()
            }
            (_, fresh) => fresh,
        };
        Self { tag: limit.tag, state }
    }

    /// The instant from which on this state is as good as absent, under the limit that wrote it: a store may
    /// forget it then, and no earlier.
    #[must_use]
    pub fn idle_at(&self, limit: &Limit) -> Timestamp {
        Timestamp::from_micros(match &self.state {
            State::Gcra(gcra) => gcra.at.saturating_add(u64::from(gcra.rest > 0)),
            State::Window(window) => window.idle_at(limit),
            State::Entries(entries) => entries.idle_at(),
        })
    }

    /// Bytes on the heap, beyond the size of this value.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.state {
            State::Gcra(_) | State::Window(_) => 0,
            State::Entries(entries) => size_of::<Entries>() + entries.heap_bytes(),
        }
    }

    /// Whether one more entry would need more memory than this state has.
    #[must_use]
    pub fn must_grow(&self) -> bool {
        matches!(&self.state, State::Entries(entries) if entries.is_full())
    }
}

//! The lanes of all keys, in bounded memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use ratekeeper_core::{Key, Micros, Timestamp};

use crate::PaceError;
use crate::lane::Lane;
use crate::settings::Settings;

/// How long nobody looks for idle keys after all were found busy.
const LOOK_AGAIN: Micros = Micros::new(100_000);

#[derive(Default)]
pub(crate) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    lanes: HashMap<Box<[u8]>, Arc<Lane>, RandomState>,
    /// When to look for idle keys again.
    look_at: Timestamp,
}

impl Keys {
    /// The lane of `key`. Idle lanes make way for new ones, busy ones never: their calls would be forgotten.
    pub(crate) fn lane(&self, key: &[u8], settings: &Arc<Settings>) -> Result<Arc<Lane>, PaceError> {
        let key = Key::new(key)?.bytes();
        let mut known = self.0.lock();
        if let Some(lane) = known.lanes.get(key) {
            return Ok(Arc::clone(lane));
        }
        let max_keys = settings.config.max_keys;
        if known.lanes.len() >= max_keys {
            let now = settings.time.now();
            if now >= known.look_at {
                known.lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || !lane.is_idle(now));
                known.look_at = now + LOOK_AGAIN;
            }
            if known.lanes.len() >= max_keys {
                return Err(PaceError::TooManyKeys { max_keys });
            }
        }
        let lane = Arc::new(Lane::new(key, Arc::clone(settings)));
        known.lanes.insert(key.into(), Arc::clone(&lane));
        Ok(lane)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("known", &self.0.lock().lanes.len()).finish()
    }
}

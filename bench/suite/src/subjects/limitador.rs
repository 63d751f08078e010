//! limitador: its memory storage, one fixed window by one variable, in one call a check.

use std::collections::HashMap;

use limitador::RateLimiter;
use limitador::limit::{Limit, Namespace};

use crate::subject::{Quota, Subject};

pub struct Limitador {
    limiter: RateLimiter,
    namespace: Namespace,
}

impl Limitador {
    /// With this many limits that all apply to every check.
    pub fn new(quota: Quota, keys: usize, limits: u64) -> Self {
        let most = match quota {
            Quota::Generous => u64::from(u32::MAX),
            Quota::Burst(most) | Quota::Rate(most) => most.into(),
        };
        let limiter = RateLimiter::new(keys as u64 * limits);
        for index in 0..limits {
            let variable = "user_id".try_into().expect("a variable");
            // Limits of equal windows would be one.
            limiter.add_limit(Limit::new("bench", most, 3600 + index, Vec::new(), vec![variable]));
        }
        Self { limiter, namespace: "bench".into() }
    }
}

impl Subject for Limitador {
    fn check(&self, key: &String) -> bool {
        self.take(key, 1)
    }

    fn take(&self, key: &String, cost: u32) -> bool {
        let context = HashMap::from([("user_id".to_owned(), key.clone())]).into();
        let result = self.limiter.check_rate_limited_and_update(&self.namespace, &context, cost.into());
        !result.expect("memory does not fail").limited
    }
}

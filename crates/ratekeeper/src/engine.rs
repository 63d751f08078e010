//! Requests by policy: many rules, several stores, one outcome.
//!
//! ```
//! use ratekeeper::engine::{Attributes, Engine, Policy, Request};
//! let source = "
//! rules:
//!   - name: login
//!     match: { methods: [POST], path: /login }
//!     key: [ip]
//!     limits: [ 5 per minute burst 20, 100 per day ]
//! ";
//! let engine = Engine::new(Policy::parse(source, "policy.yaml", &|_| None)?)?;
//! let request = Request::new(Attributes {
//!     ip: Some("203.0.113.7".parse()?),
//!     method: Some("POST"),
//!     path: Some("/login"),
//!     ..Attributes::default()
//! });
//! let outcome = engine.check_now(&request).unwrap();
//! assert!(outcome.allowed());
//! assert_eq!(outcome.limits[0].verdict.unwrap().remaining, 19);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Engine::check`] is the asynchronous form, for stores that have to ask somebody.

pub use ratekeeper_engine::{
    Connect, Decision, Degraded, Denial, Engine, EngineBuilder, EngineError, LimitOutcome, Outcome, Request,
    RequestOp, Reservation, Secret, Settlement,
};
pub use ratekeeper_policy::{
    Attributes, List, Listed, Missing, Mode, OnChange, OnStoreError, Policy, PolicyError, PolicyErrors,
    PolicyLimit, Rule, Share, StoreConfig, StoreKind, json_schema, parse_limit,
};

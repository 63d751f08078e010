//! ratekeeper-engine

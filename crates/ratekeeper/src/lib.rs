//! ratekeeper

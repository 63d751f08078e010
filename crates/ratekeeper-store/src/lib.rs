//! ratekeeper-store

//! ratekeeper-policy

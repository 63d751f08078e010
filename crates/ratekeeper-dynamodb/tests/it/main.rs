//! The store against DynamoDB Local, the service as its vendor lets it be run at home.

mod common;
mod conformance;

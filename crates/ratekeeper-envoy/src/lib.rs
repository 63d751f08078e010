//! Envoy's rate limit service, version 3: its messages, in protobuf and in JSON, its server, and with the feature `client`
//! its client. Internal to ratekeeper.
//!
//! JSON is read strictly: an unknown field is an error.
//!
//! ```
//! use ratekeeper_envoy::RateLimitRequest;
//! let request = r#"{ "domain": "web", "descriptors": [{ "entries": [{ "key": "path", "value": "/" }], "hitsAddend": "2" }] }"#;
//! let request: RateLimitRequest = serde_json::from_str(request)?;
//! assert_eq!(request.descriptors[0].hits_addend.as_ref().map(|hits| hits.value), Some(2));
//! assert!(serde_json::from_str::<RateLimitRequest>(r#"{ "domian": "web" }"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

pub use self::envoy::config::core::v3::HeaderValue;
pub use self::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
pub use self::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::{Entry, RateLimitOverride};
pub use self::envoy::service::ratelimit::v3::rate_limit_response::rate_limit::Unit;
pub use self::envoy::service::ratelimit::v3::rate_limit_response::{Code, DescriptorStatus, RateLimit};
#[cfg(feature = "client")]
pub use self::envoy::service::ratelimit::v3::rate_limit_service_client::RateLimitServiceClient;
pub use self::envoy::service::ratelimit::v3::rate_limit_service_server::{
    RateLimitService, RateLimitServiceServer,
};
pub use self::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
pub use self::envoy::r#type::v3::RateLimitUnit;
pub use pbjson_types::{Duration, ListValue, Struct, UInt64Value, Value, value};

/// The service's name, as paths have it.
pub const SERVICE: &str = envoy::service::ratelimit::v3::rate_limit_service_server::SERVICE_NAME;

/// What the protos say, for reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The code of a package of the protos, which was generated.
macro_rules! package {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
        include!(concat!(env!("OUT_DIR"), "/", $name, ".serde.rs"));
    };
}

/// The packages, nested as generated code expects them.
#[allow(
    warnings,
    clippy::all,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "generated"
)]
mod envoy {
    pub mod config {
        pub mod core {
            pub mod v3 {
                package!("envoy.config.core.v3");
            }
        }
    }
    pub mod extensions {
        pub mod common {
            pub mod ratelimit {
                pub mod v3 {
                    package!("envoy.extensions.common.ratelimit.v3");
                }
            }
        }
    }
    pub mod service {
        pub mod ratelimit {
            pub mod v3 {
                package!("envoy.service.ratelimit.v3");
            }
        }
    }
    pub mod r#type {
        pub mod v3 {
            package!("envoy.r#type.v3");
        }
    }
}

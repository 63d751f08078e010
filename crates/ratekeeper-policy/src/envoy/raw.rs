//! What is written in a file, as envoyproxy/ratelimit documents it.

use super::metadata::Metadata;
use super::value::{Count, Flag, OrNull, Text};
use crate::decode::{At, record};

record! {
    /// A file: the limits of one domain.
    Root lenient {
        /// The domain that requests name.
        optional domain: OrNull<Text>,
        /// What the first entries of requests are compared with.
        optional descriptors: OrNull<Vec<At<Descriptor>>>,
    }
}

record! {
    /// What one entry of requests is compared with, what the next ones, and the limit of requests that end here.
    Descriptor lenient {
        /// The key of the entry.
        optional key: OrNull<Text>,
        /// Its value, in which * stands for any text; any value, if absent.
        optional value: OrNull<Text>,
        /// The limit of requests that end here.
        optional rate_limit: OrNull<RateLimit>,
        /// What the next entries are compared with.
        optional descriptors: OrNull<Vec<At<Descriptor>>>,
        /// Whether the limit only reports.
        optional shadow_mode: OrNull<Flag>,
        /// Whether requests are refused only where all limits in quota mode are reached.
        optional quota_mode: OrNull<Flag>,
        /// Whether there are metrics of each value.
        optional detailed_metric: OrNull<Flag>,
        /// Whether there are metrics of each value.
        optional value_to_metric: OrNull<Flag>,
        /// Whether all values that * stands for count together.
        optional share_threshold: OrNull<Flag>,
        /// What Envoy is told of requests that pass.
        optional metadata: OrNull<Metadata>,
    }
}

record! {
    /// A limit.
    RateLimit lenient {
        /// What others replace it by.
        optional name: OrNull<Text>,
        /// The limits that do not count in requests where this one does.
        optional replaces: OrNull<Vec<At<Replaced>>>,
        /// How long a window is.
        optional unit: OrNull<Text>,
        /// How many units a window is; one, if absent.
        optional unit_multiplier: OrNull<Count>,
        /// How much passes in a window.
        optional requests_per_unit: OrNull<Count>,
        /// Whether all passes.
        optional unlimited: OrNull<Flag>,
    }
}

record! {
    /// A limit that is replaced.
    Replaced lenient {
        /// Its name.
        optional name: OrNull<Text>,
    }
}

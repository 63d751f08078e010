//! What the nodes say of themselves.

use futures_util::future::join_all;
use ratekeeper_core::Timestamp;
use ratekeeper_store::{Examination, Finding, Severity, StoreError};
use tokio::time::timeout;

use crate::MemcachedStore;
use crate::client::{LARGEST_VALUE, Node, Reply};

/// The first version with all that we send.
const FIRST_VERSION: [u32; 3] = [1, 6, 10];
/// What memcached takes if it is not told.
const USUAL_MEMORY: u64 = 64 << 20;

pub(crate) async fn examine(store: &MemcachedStore) -> Result<Examination, StoreError> {
    let mut examination = Examination::default();
    let reports = join_all(store.nodes.iter().map(|node| async move {
        let asking = timeout(store.timeout, Report::of(node));
        (node, asking.await.unwrap_or(Err(StoreError::Timeout)))
    }));
    for (node, report) in reports.await {
        let address = node.address();
        match report {
            Ok(report) => {
                examination.servers.push(format!("memcached {} at {address}", report.version));
                let now = store.clock.now();
                let findings = report.findings(now, store.skew.as_secs_ceil());
                examination.findings.extend(findings.into_iter().map(|finding| Finding {
                    what: format!("{address}: {}", finding.what),
                    ..finding
                }));
            }
            Err(error) => examination.findings.push(problem(
                format!("{address}: {error}"),
                "start it, or see what is in the way; the keys of this node are decided by the failure policy until then",
            )),
        }
    }
    Ok(examination)
}

/// What one node says.
#[derive(Debug, Default)]
struct Report {
    version: String,
    stats: Vec<(String, String)>,
    settings: Vec<(String, String)>,
}

impl Report {
    async fn of(node: &Node) -> Result<Self, StoreError> {
        let ask = async |command: &[u8]| node.ask(command.to_vec()).await;
        match (ask(b"version\r\n").await?, ask(b"stats\r\n").await?, ask(b"stats settings\r\n").await?) {
            (Reply::Version(version), Reply::Stats(stats), Reply::Stats(settings)) => {
                Ok(Self { version, stats, settings })
            }
            _ => Err(node.unavailable("it answers something else than was asked")),
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        value(&self.stats, name)?.parse().ok()
    }

    fn findings(&self, now: Timestamp, skew: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        if parts(&self.version) < FIRST_VERSION {
            findings.push(problem(
                format!("version {} is too old", self.version),
                "use memcached 1.6.10 or later",
            ));
        }
        if value(&self.settings, "cas_enabled") == Some("no") {
            findings.push(problem("it runs without compare-and-swap".to_owned(), "start it without -C"));
        }
        if let Some(evictions) = self.number("evictions").filter(|evictions| *evictions > 0) {
            findings.push(warning(
                format!("{evictions} items were evicted before their time; each may have been a counter"),
                "give it more memory (-m), or let nothing but counters into it",
            ));
        }
        if let Some(memory) = self.number("limit_maxbytes").filter(|memory| *memory < USUAL_MEMORY) {
            findings.push(warning(
                format!("it may use {} MB, which is little", memory >> 20),
                "start it with -m 64 or more",
            ));
        }
        let item: Option<usize> = value(&self.settings, "item_size_max").and_then(|size| size.parse().ok());
        if let Some(size) = item.filter(|size| *size < LARGEST_VALUE) {
            findings.push(warning(
                format!("items may have {size} bytes; the longest logs and lists of holders need more"),
                "start it with -I 1m",
            ));
        }
        let apart = self.number("time").map_or(0, |time| time.abs_diff(now.as_micros() / 1_000_000));
        // Both are whole seconds.
        if apart > skew + 1 {
            findings.push(warning(
                format!("its clock and ours are {apart} s apart"),
                "synchronise the clocks of all machines (NTP); limits are decided by those of the clients",
            ));
        }
        findings
    }
}

fn value<'a>(lines: &'a [(String, String)], name: &str) -> Option<&'a str> {
    lines.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The first three numbers of a version, such as of `1.6.18-beta`.
fn parts(version: &str) -> [u32; 3] {
    let mut numbers = version.split(|other: char| !other.is_ascii_digit());
    [(); 3].map(|()| numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

fn problem(what: String, remedy: &str) -> Finding {
    Finding { severity: Severity::Problem, what, remedy: remedy.to_owned() }
}

fn warning(what: String, remedy: &str) -> Finding {
    Finding { severity: Severity::Warning, what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parts("1.6.9") < FIRST_VERSION);
        assert!(parts("1.5.22") < FIRST_VERSION);
        assert!(parts("1.6.18") > FIRST_VERSION);
        assert!(parts("1.6.10-beta") >= FIRST_VERSION);
        assert!(parts("nonsense") < FIRST_VERSION);
    }

    #[test]
    fn what_is_well_has_no_findings_and_what_is_not_is_named() {
        let well = Report {
            version: "1.6.18".to_owned(),
            stats: lines(&[
                ("evictions", "0"),
                ("limit_maxbytes", "67108864"),
                ("time", "1799999998"),
            ]),
            settings: lines(&[("cas_enabled", "yes"), ("item_size_max", "1048576")]),
        };
        assert_eq!(well.findings(NOW, 1), []);
        let ill = Report {
            version: "1.4.5".to_owned(),
            stats: lines(&[
                ("evictions", "3"),
                ("limit_maxbytes", "1048576"),
                ("time", "1799999997"),
            ]),
            settings: lines(&[("cas_enabled", "no"), ("item_size_max", "1024")]),
        };
        let found: Vec<_> = ill.findings(NOW, 1).into_iter().map(|finding| finding.what).collect();
        for (what, told) in found.iter().zip([
            "1.4.5 is too old",
            "without compare-and-swap",
            "3 items were evicted",
            "it may use 1 MB",
            "items may have 1024 bytes",
            "are 3 s apart",
        ]) {
            assert!(what.contains(told), "{what}");
        }
        assert_eq!(found.len(), 6);
    }
}

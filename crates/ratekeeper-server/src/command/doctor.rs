//! `ratekeeper doctor`: are the stores of a policy there, and is something wrong with them?

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op, Timestamp};
use ratekeeper_policy::{Policy, Secret, StoreConfig, StoreKind};
use ratekeeper_store::{
    Capabilities, Clock, Examination, Severity, Store, StoreError, StoreExt as _, SystemClock,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{load_policy, runtime};
use crate::cli::{DoctorArguments, OutputFormat};
use crate::failure::{Failure, written};
use crate::shown::printable;
use crate::stores;

/// How long a store may take to answer any of the doctor's questions.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the way there and back is measured.
const TRIPS: usize = 20;
/// Clocks that differ by more are worth a word: windows begin at other times than people expect.
const CLOCK_DIFFERENCE: u64 = 1_000_000;

/// Examines every store, and prints what it finds. A problem is a failure.
pub(crate) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let policy = load_policy(&arguments.policy, &arguments.env)?;
    let diagnoses = runtime()?.block_on(async {
        let mut diagnoses = Vec::new();
        for (name, config) in examined(&policy) {
            diagnoses.push(Diagnosis::of(name, config).await);
        }
        diagnoses
    });
    let text = match arguments.format {
        OutputFormat::Text => diagnoses.iter().map(Diagnosis::text).collect::<Vec<_>>().join("\n"),
        OutputFormat::Json => {
            let all: Vec<_> = diagnoses.iter().map(Diagnosis::json).collect();
            format!("{:#}\n", json!({ "stores": all }))
        }
    };
    written(std::io::stdout().write_all(text.as_bytes()))?;
    if diagnoses.iter().any(|diagnosis| diagnosis.worst() == Some(Severity::Problem)) {
        return Err(Failure::Told(4));
    }
    Ok(())
}

/// All stores but a default one that nobody uses.
fn examined(policy: &Policy) -> impl Iterator<Item = (&str, &StoreConfig)> {
    let used = |name: &str| policy.rules().iter().any(|rule| rule.store() == name);
    policy
        .stores()
        .filter(move |(name, config)| *name != "default" || used(name) || config.kind != StoreKind::Memory)
}

/// What is known of one store.
struct Diagnosis<'p> {
    name: &'p str,
    config: &'p StoreConfig,
    capabilities: Option<Capabilities>,
    examination: Examination,
    round_trip: Option<RoundTrip>,
    /// How far the store's clock is ahead, and how exactly that is known.
    clock: Option<(i64, u64)>,
}

/// Microseconds there and back.
#[derive(Clone, Copy)]
struct RoundTrip {
    median: u64,
    slowest: u64,
}

impl<'p> Diagnosis<'p> {
    async fn of(name: &'p str, config: &'p StoreConfig) -> Self {
        let mut diagnosis = Self {
            name,
            config,
            capabilities: None,
            examination: Examination::default(),
            round_trip: None,
            clock: None,
        };
        let store = match stores::bare(config) {
            Ok(store) => store,
            Err(error) => {
                diagnosis.failed(&error);
                return diagnosis;
            }
        };
        diagnosis.capabilities = Some(store.capabilities());
        let clock = SystemClock::new();
        // Asked first: what a store makes at its first use is there when it is examined.
        let measured = diagnosis.measure(&store, &clock).await;
        let examined = diagnosis.examine(&store, &clock).await;
        if let Err(error) = measured.and(examined) {
            diagnosis.failed(&error);
        }
        diagnosis
    }

    async fn examine(&mut self, store: &Arc<dyn Store>, clock: &SystemClock) -> Result<(), StoreError> {
        let sent = clock.now();
        let mut found = timeout(PATIENCE, store.examine()).await.map_err(|_| StoreError::Timeout)??;
        let received = clock.now();
        found.findings.append(&mut self.examination.findings);
        self.examination = found;
        let Some(theirs) = self.examination.time else {
            return Ok(());
        };
        let within = received.since(sent).get() / 2;
        let ahead = signed(theirs) - signed(sent + Micros::new(within));
        self.clock = Some((ahead, within));
        if ahead.unsigned_abs() > CLOCK_DIFFERENCE + within {
            self.find(
                Severity::Warning,
                format!("its clock is {} than this machine's", ahead_text(ahead)),
                "let both follow NTP: windows begin and end by the clock of the store".to_owned(),
            );
        }
        Ok(())
    }

    /// Looks at a counter that nobody has, again and again.
    async fn measure(&mut self, store: &Arc<dyn Store>, clock: &SystemClock) -> Result<(), StoreError> {
        let Ok(limit) = Limit::token_bucket(1, Micros::SECOND) else {
            return Ok(());
        };
        let key = Key::new(b"doctor:{*}")?;
        let mut taken = Vec::with_capacity(TRIPS);
        for _ in 0..=TRIPS {
            let sent = clock.now();
            let ask = Ask::new(Op::Peek, 1);
            let peek = store.ask(key, &limit, &ask);
            timeout(PATIENCE, peek).await.map_err(|_| StoreError::Timeout)??;
            taken.push(clock.now().since(sent).get());
        }
        // The first one may have had to connect.
        let mut taken = taken.split_off(1);
        taken.sort_unstable();
        let round_trip = RoundTrip { median: taken[taken.len() / 2], slowest: taken[taken.len() - 1] };
        self.round_trip = Some(round_trip);
        let deadline = self.config.deadline.get();
        if self.config.kind != StoreKind::Memory && round_trip.median > deadline / 2 {
            let what = format!(
                "a round trip takes {}, and the deadline is {}",
                millis(round_trip.median),
                self.config.deadline
            );
            self.find(Severity::Warning, what, "raise its deadline, or bring the store nearer".to_owned());
        }
        Ok(())
    }

    fn failed(&mut self, error: &StoreError) {
        let remedy = match error {
            StoreError::Misconfigured { .. } => "correct what the message names",
            _ => "is it running, and can this machine reach it? The url says where",
        };
        self.find(Severity::Problem, error.to_string(), remedy.to_owned());
    }

    fn find(&mut self, severity: Severity, what: String, remedy: String) {
        self.examination.findings.push(ratekeeper_store::Finding { severity, what, remedy });
    }

    fn worst(&self) -> Option<Severity> {
        self.examination.findings.iter().map(|finding| finding.severity).max()
    }

    fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} ({}{})",
            self.name,
            self.config.kind,
            place(self.config)
        )];
        for server in &self.examination.servers {
            lines.push(format!("  server             {}", printable(server)));
        }
        if let Some(RoundTrip { median, slowest }) = self.round_trip {
            lines.push(format!(
                "  round trip         {}, the slowest of {TRIPS} {}",
                millis(median),
                millis(slowest)
            ));
        }
        if let Some((ahead, within)) = self.clock {
            lines.push(format!(
                "  its clock          {}, give or take {}",
                ahead_text(ahead),
                millis(within)
            ));
        }
        for line in self
            .capabilities
            .iter()
            .flat_map(|capabilities| capabilities.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        {
            lines.push(format!("  {line}"));
        }
        for finding in &self.examination.findings {
            let (what, remedy) = (printable(&finding.what), printable(&finding.remedy));
            lines.push(format!("  {}: {what}\n    {remedy}", severity(finding.severity)));
        }
        if self.examination.findings.is_empty() {
            lines.push("  nothing is wrong".to_owned());
        }
        lines.join("\n") + "\n"
    }

    fn json(&self) -> Value {
        let findings = self.examination.findings.iter().map(|finding| {
            json!({ "severity": severity(finding.severity), "what": finding.what, "remedy": finding.remedy })
        });
        let capabilities = self.capabilities.map(|can| {
            json!({
                "atomic_units": can.atomic_units,
                "exact": can.exact,
                "survives_restart": can.survives_restart,
                "survives_failover": can.survives_failover,
                "clock": format!("{:?}", can.clock).to_lowercase(),
                "largest_state": can.largest_state,
                "trips": can.trips,
                "overflow": can.overflow.name(),
            })
        });
        json!({
            "name": self.name,
            "type": self.config.kind.name(),
            "servers": self.examination.servers,
            "round_trip_us": self.round_trip.map(|trip| json!({ "median": trip.median, "slowest": trip.slowest })),
            "clock_ahead_us": self.clock.map(|(ahead, _)| ahead),
            "capabilities": capabilities,
            "findings": findings.collect::<Vec<_>>(),
        })
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Problem => "problem",
    }
}

/// Where it is, without what may be secret.
fn place(config: &StoreConfig) -> String {
    let Some(url) = config.url.as_ref().map(Secret::reveal) else {
        return String::new();
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    // A password that is not encoded may have any of these signs in it: then only what cannot be a part of it is shown.
    let (before, after) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match before.rsplit_once('@') {
        _ if after.contains('@') => "…",
        Some((_, place)) => place,
        None => before,
    };
    format!(", {}", printable(&format!("{scheme}://{place}")))
}

fn signed(time: Timestamp) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn ahead_text(ahead: i64) -> String {
    let which = if ahead < 0 { "behind" } else { "ahead" };
    format!("{} {which}", millis(ahead.unsigned_abs()))
}

/// `0.12 ms`.
fn millis(micros: u64) -> String {
    format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_no_secret() {
        let at = |url: &str| {
            let mut config = StoreConfig::default();
            config.url = Some(Secret::new(url));
            place(&config)
        };
        assert_eq!(at("redis://user:pa@ss@db:6379/1?password=x"), ", redis://db:6379/1");
        assert_eq!(at("unix:///run/redis.sock"), ", unix:///run/redis.sock");
        assert_eq!(at("redis://user:pa#ss@db:6379"), ", redis://db:6379");
        assert_eq!(at("redis://user:pa?ss@db:6379"), ", redis://…");
        assert_eq!(at("nonsense"), "");
        assert_eq!((millis(1234), millis(90)), ("1.23 ms".to_owned(), "0.09 ms".to_owned()));
    }
}

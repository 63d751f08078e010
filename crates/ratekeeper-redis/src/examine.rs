//! What the servers are, and what is wrong with them.

use std::collections::HashMap;
use std::time::Duration;

use ratekeeper_core::{Ask, Key, Limit, Micros, Op, Timestamp};
use ratekeeper_store::{Examination, Finding, Severity, StoreError, StoreExt as _};
use redis::{Cmd, Value};

use crate::RedisStore;
use crate::failure::Failure;
use crate::node::Node;
use crate::store::Connected;

/// Nobody waits longer for an examination.
const PATIENCE: Duration = Duration::from_secs(5);
/// What older servers do is not tested.
const OLDEST: (u32, u32) = (6, 2);

/// Examines all servers, and counts something to see whether that is allowed.
pub(crate) async fn examine(store: &RedisStore) -> Result<Examination, StoreError> {
    let examined = async {
        let mut examination = Examination::default();
        match &store.servers {
            Connected::One(node) => examine_node("", node, &mut examination).await?,
            Connected::Cluster(cluster) => {
                let map = cluster.map().await?;
                for (address, node) in &map.masters {
                    examine_node(&format!("{address}: "), node, &mut examination).await?;
                }
                examination.findings.extend(slots(map.uncovered()));
            }
        }
        examination.findings.extend(permissions(store).await?);
        Ok(examination)
    };
    tokio::time::timeout(PATIENCE, examined).await.unwrap_or(Err(StoreError::Timeout))
}

fn finding(severity: Severity, what: String, remedy: &str) -> Finding {
    Finding { severity, what, remedy: remedy.to_owned() }
}

async fn examine_node(name: &str, node: &Node, examination: &mut Examination) -> Result<(), StoreError> {
    let info = match node.ask(&command(&["INFO"])).await {
        Ok(Value::BulkString(text)) => Info::read(&String::from_utf8_lossy(&text)),
        Ok(_) => Info::default(),
        Err(Failure::Refused(why)) => {
            let what = format!("{name}INFO is not allowed ({why}): what else is wrong is not known");
            examination.findings.push(finding(
                Severity::Warning,
                what,
                "ACL SETUSER <user> +info +config|get",
            ));
            Info::default()
        }
        Err(failure) => return Err(failure.into()),
    };
    if examination.time.is_none()
        && let Ok(Value::Array(time)) = node.ask(&command(&["TIME"])).await
    {
        let mut numbers = time.iter().map(|part| text(part).and_then(|text| text.parse::<u64>().ok()));
        if let (Some(Some(seconds)), Some(Some(micros))) = (numbers.next(), numbers.next()) {
            let micros = seconds.saturating_mul(1_000_000).saturating_add(micros);
            examination.time = Some(Timestamp::from_micros(micros));
        }
    }
    examination.servers.extend(info.server());
    let findings = [info.version(), info.role(), info.memory()].into_iter().flatten();
    let mut findings: Vec<Finding> = findings.collect();
    findings.extend(persistence(node, &info).await);
    findings.extend(replicas(node, &info).await);
    for mut found in findings {
        found.what.insert_str(0, name);
        if !examination.findings.contains(&found) {
            examination.findings.push(found);
        }
    }
    Ok(())
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    words.iter().for_each(|word| {
        command.arg(word);
    });
    command
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// A setting, where one is allowed to see it.
async fn setting(node: &Node, name: &str) -> Option<String> {
    match node.ask(&command(&["CONFIG", "GET", name])).await {
        Ok(Value::Array(pair)) => pair.get(1).and_then(text).map(str::to_owned),
        _ => None,
    }
}

async fn persistence(node: &Node, info: &Info) -> Option<Finding> {
    let off = info.get("aof_enabled")? == "0" && setting(node, "save").await?.is_empty();
    off.then(|| {
        let what = "neither appendonly nor save is on: a restart forgets all counters".to_owned();
        finding(Severity::Warning, what, "CONFIG SET appendonly yes (fsync every second is enough)")
    })
}

async fn replicas(node: &Node, info: &Info) -> Option<Finding> {
    let replicas = info.get("connected_slaves")?;
    let unbounded = replicas != "0" && setting(node, "min-replicas-to-write").await? == "0";
    unbounded.then(|| {
        let what = format!(
            "min-replicas-to-write is 0 with {replicas} replica(s): a master that is cut off goes on counting what a \
             failover then forgets"
        );
        finding(Severity::Warning, what, "CONFIG SET min-replicas-to-write 1, and min-replicas-max-lag 1 or more")
    })
}

fn slots(uncovered: u16) -> Option<Finding> {
    (uncovered > 0).then(|| {
        let what = format!("{uncovered} slots of the cluster have no master: their keys cannot be counted");
        finding(Severity::Problem, what, "redis-cli --cluster fix HOST:PORT")
    })
}

/// Counts something, and forgets it again: everything that the script does is done then.
async fn permissions(store: &RedisStore) -> Result<Option<Finding>, StoreError> {
    let unlikely = |error: &str| StoreError::Misconfigured { reason: error.to_owned() };
    let limit = Limit::token_bucket(1, Micros::SECOND).map_err(|error| unlikely(&error.to_string()))?;
    let key = Key::new(b"ratekeeper:examination").map_err(|error| unlikely(&error.to_string()))?;
    for op in [Op::Take, Op::Reset] {
        match store.ask(key, &limit, &Ask::new(op, 1)).await {
            Ok(_) => {}
            Err(StoreError::Misconfigured { reason }) => {
                let remedy = format!(
                    "ACL SETUSER <user> ~{}* +eval +evalsha +mget +psetex +setrange +del +time +select +asking +cluster|slots \
                     +role +info +config|get",
                    store.prefix().escape_ascii()
                );
                return Ok(Some(finding(Severity::Problem, reason, &remedy)));
            }
            Err(StoreError::Unavailable { reason }) => {
                let what = format!("a test counter could not be written: {reason}");
                return Ok(Some(finding(Severity::Problem, what, "see the log of the server")));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The answer to `INFO`.
#[derive(Debug, Default)]
struct Info(HashMap<String, String>);

impl Info {
    fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn server(&self) -> Option<String> {
        match (self.get("valkey_version"), self.get("redis_version")) {
            (Some(version), _) => Some(format!("Valkey {version}")),
            (None, version) => version.map(|version| format!("Redis {version}")),
        }
    }

    fn version(&self) -> Option<Finding> {
        let version = self.get("redis_version")?;
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let found = (parts.next()?, parts.next()?);
        (found < OLDEST).then(|| {
            let what = format!("its version {version} is older than what ratekeeper is tested with");
            finding(Severity::Warning, what, "use Redis 6.2 or later, or Valkey")
        })
    }

    fn role(&self) -> Option<Finding> {
        (self.get("role")? == "slave").then(|| {
            let what = "it is a replica: nothing can be counted there".to_owned();
            finding(
                Severity::Problem,
                what,
                "give the URL of the master, or redis-sentinel:// or redis-cluster://",
            )
        })
    }

    fn memory(&self) -> Option<Finding> {
        let policy = self.get("maxmemory_policy")?;
        (self.get("maxmemory")? != "0" && policy != "noeviction").then(|| {
            let what = format!(
                "maxmemory-policy is {policy}: counters are evicted when memory is short, and limits forget"
            );
            finding(Severity::Problem, what, "CONFIG SET maxmemory-policy noeviction")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_judged() {
        let info = Info::read(
            "# Server\r\nredis_version:6.0.16\r\nrole:slave\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n",
        );
        assert_eq!(info.server().as_deref(), Some("Redis 6.0.16"));
        let found =
            [info.version(), info.role(), info.memory()].map(|found| found.map(|found| found.severity));
        assert_eq!(
            found,
            [
                Some(Severity::Warning),
                Some(Severity::Problem),
                Some(Severity::Problem)
            ]
        );
        let fine = Info::read(
            "redis_version:7.2.4\nvalkey_version:9.1.2\nrole:master\nmaxmemory:0\nmaxmemory_policy:allkeys-lru\n",
        );
        assert_eq!(fine.server().as_deref(), Some("Valkey 9.1.2"));
        assert_eq!([fine.version(), fine.role(), fine.memory()], [None, None, None]);
    }
}

//! A cluster: which node has a slot, and where else to ask when it has moved.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ratekeeper_store::StoreError;
use redis::{Cmd, Pipeline, Value};
use tokio::runtime::Handle;

use crate::dial::{Address, Dial};
use crate::failure::{Failure, cannot_connect};
use crate::node::{Node, Target};
use crate::opened::Opened;
use crate::slot::SLOTS;

/// How often a request follows what nodes say, before it gives up.
const MOST_TRIES: u32 = 5;
/// While keys are being moved a request waits so long before it tries again.
const PAUSE: Duration = Duration::from_millis(5);

/// The nodes of a cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Arc<Nodes>,
    map: Opened<Arc<Map>>,
}

/// Every node that was ever heard of and is still there.
#[derive(Debug)]
struct Nodes {
    dial: Dial,
    seeds: Vec<Address>,
    known: Mutex<HashMap<Address, Arc<Node>>>,
}

/// Which node has which slots.
#[derive(Debug)]
pub(crate) struct Map {
    /// By the first slot: from it, to the last one, by whom.
    ranges: Vec<(u16, u16, (Address, Arc<Node>))>,
    /// The masters, each once.
    pub(crate) masters: Vec<(Address, Arc<Node>)>,
}

impl Map {
    fn master_of(&self, slot: u16) -> Option<&(Address, Arc<Node>)> {
        let after = self.ranges.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, master) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(master)
    }

    /// How many slots no master has.
    pub(crate) fn uncovered(&self) -> u16 {
        let covered = self.ranges.iter().map(|(first, last, _)| last - first + 1);
        SLOTS.saturating_sub(covered.sum())
    }
}

impl Cluster {
    pub(crate) fn new(dial: Dial, seeds: Vec<Address>) -> Self {
        let nodes = Nodes { dial, seeds, known: Mutex::default() };
        Self { nodes: Arc::new(nodes), map: Opened::default() }
    }

    /// The masters as they are known.
    pub(crate) async fn map(&self) -> Result<Arc<Map>, StoreError> {
        self.map.get(|_| false, || self.look()).await
    }

    fn look(&self) -> impl Future<Output = Result<Arc<Map>, StoreError>> + Send + use<> {
        let nodes = Arc::clone(&self.nodes);
        async move { nodes.map().await.map(Arc::new) }
    }

    fn renew(&self) {
        self.map.renew(|| self.look());
    }

    /// Asks the master of a slot, wherever it is.
    pub(crate) async fn ask(&self, slot: u16, command: &Cmd) -> Result<Value, Failure> {
        let map = self.map().await.map_err(Failure::NotSent)?;
        let unanswered = Unanswered(self);
        let uncovered = || Failure::Unable(format!("no node of the cluster has slot {slot}"));
        let (mut address, mut node) = map.master_of(slot).cloned().ok_or_else(uncovered)?;
        let mut asking = false;
        let mut tries = 0;
        loop {
            let answer = match asking {
                false => node.ask(command).await,
                true => node.ask_in_order(&after_asking(command)).await,
            };
            tries += 1;
            asking = false;
            match &answer {
                Err(Failure::Moved(to) | Failure::Ask(to)) if tries < MOST_TRIES => {
                    let Some(other) = redirected(&address, to) else {
                        return answer;
                    };
                    asking = matches!(answer, Err(Failure::Ask(_)));
                    (node, address) = (self.nodes.get(&other), other);
                    if !asking {
                        self.renew();
                    }
                }
                Err(Failure::TryAgain) if tries < MOST_TRIES => tokio::time::sleep(PAUSE * tries).await,
                Ok(_) | Err(Failure::NoScript | Failure::Refused(_)) => {
                    unanswered.answered();
                    return answer;
                }
                Err(_) => return answer,
            }
        }
    }
}

/// A call that nobody has answered yet. If it ends so, by an error or because its caller gives up, another node may be
/// master soon: the map is renewed.
struct Unanswered<'c>(&'c Cluster);

impl Unanswered<'_> {
    fn answered(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        // Whoever drops a call outside of a runtime has nothing to renew it with.
        if Handle::try_current().is_ok() {
            self.0.renew();
        }
    }
}

impl Nodes {
    fn get(&self, address: &Address) -> Arc<Node> {
        let mut known = self.known.lock();
        let new = || Arc::new(Node::new(Target::Fixed(self.dial.clone(), address.clone())));
        Arc::clone(known.entry(address.clone()).or_insert_with(new))
    }

    /// Asks all nodes that are known, until one tells who has which slots.
    async fn map(&self) -> Result<Map, StoreError> {
        let mut addresses: Vec<Address> = self.known.lock().keys().cloned().collect();
        addresses.extend(self.seeds.iter().cloned());
        let mut asked = tokio::task::JoinSet::new();
        for address in addresses {
            // All at the same time: some may be gone, or hang. The first to tell is believed.
            let node = self.get(&address);
            asked.spawn(async move {
                let mut command = redis::cmd("CLUSTER");
                command.arg("SLOTS");
                let answer = node.ask(&command).await.map_err(|failure| failure.opening(&address));
                (address, answer)
            });
        }
        let mut why = None;
        while let Some(answered) = asked.join_next().await {
            match answered {
                Ok((address, Ok(answer))) => match self.read(&address, &answer) {
                    Some(map) => {
                        self.forget_all_but(&map);
                        return Ok(map);
                    }
                    None => why = Some(cannot_connect(&address, "it tells of no slots: is it a cluster?")),
                },
                Ok((_, Err(error))) => why = why.or(Some(error)),
                Err(_) => {}
            }
        }
        Err(why.unwrap_or_else(|| StoreError::Misconfigured { reason: "no node is given".to_owned() }))
    }

    fn forget_all_but(&self, map: &Map) {
        let mut known = self.known.lock();
        known.retain(|address, _| map.masters.iter().any(|(master, _)| master == address));
    }

    /// Reads the answer to `CLUSTER SLOTS`; nothing if it is none, or empty.
    fn read(&self, from: &Address, answer: &Value) -> Option<Map> {
        let Value::Array(rows) = answer else {
            return None;
        };
        let mut map = Map { ranges: Vec::new(), masters: Vec::new() };
        for row in rows {
            let Value::Array(row) = row else {
                return None;
            };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = row.as_slice() else {
                return None;
            };
            let address = master_address(from, master)?;
            let node = self.get(&address);
            let slot = |number: i64| u16::try_from(number).ok().filter(|slot| *slot < SLOTS);
            map.ranges.push((slot(*first)?, slot(*last)?, (address.clone(), Arc::clone(&node))));
            if !map.masters.iter().any(|(known, _)| *known == address) {
                map.masters.push((address, node));
            }
        }
        map.ranges.sort_by_key(|(first, _, _)| *first);
        let overlap = map.ranges.iter().any(|(first, last, _)| first > last)
            || map.ranges.windows(2).any(|pair| pair[0].1 >= pair[1].0);
        (!map.ranges.is_empty() && !overlap).then_some(map)
    }
}

/// The address of a node, as another tells it.
fn master_address(from: &Address, node: &[Value]) -> Option<Address> {
    let [host, Value::Int(port), ..] = node else {
        return None;
    };
    let host = match host {
        Value::BulkString(host) => String::from_utf8_lossy(host),
        _ => Cow::Borrowed(""),
    };
    address(from, &host, u16::try_from(*port).ok()?)
}

/// Where a redirection by `from` leads: `host:port`.
fn redirected(from: &Address, to: &str) -> Option<Address> {
    let (host, port) = to.rsplit_once(':')?;
    address(from, host, port.parse().ok()?)
}

/// The address of a node; one whose host is not known is where it was asked.
fn address(from: &Address, host: &str, port: u16) -> Option<Address> {
    match (host, from) {
        ("" | "?", Address::Tcp(host, _)) => Some(Address::Tcp(host.clone(), port)),
        ("" | "?", Address::Unix(_)) => None,
        _ => Some(Address::Tcp(host.to_owned(), port)),
    }
}

/// A node to which keys are being moved answers for them only to who has been sent there.
fn after_asking(command: &Cmd) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("ASKING").add_command(command.clone());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_without_a_host_are_to_the_host_that_was_asked() {
        let tcp = |host: &str, port| Address::Tcp(host.to_owned(), port);
        let from = tcp("a", 1);
        assert_eq!(redirected(&from, "b:2"), Some(tcp("b", 2)));
        assert_eq!(redirected(&from, "::1:2"), Some(tcp("::1", 2)));
        for unknown in [":2", "?:2"] {
            assert_eq!(redirected(&from, unknown), Some(tcp("a", 2)));
        }
        for nonsense in ["", "b", "b:", "b:65536"] {
            assert_eq!(redirected(&from, nonsense), None, "{nonsense}");
        }
    }
}

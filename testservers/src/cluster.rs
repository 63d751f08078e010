//! Redis Cluster.

use std::process::Command;

use crate::process::eventually;
use crate::redis::{Options, Redis};

const MASTERS: usize = 3;
const NODES: usize = 2 * MASTERS;

/// Three masters and a replica of each, which run until the cluster is dropped.
///
/// A master that does not answer for a second is replaced by its replica about two seconds later.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts a cluster, which takes seconds.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&Options::default())
    }

    /// Starts a cluster whose nodes have these options.
    ///
    /// # Panics
    /// With what was said, if it cannot be had.
    #[must_use]
    pub fn with(options: &Options) -> Self {
        let mut options = options.clone();
        let own = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "1000",
            "--repl-diskless-sync-delay",
            "0",
        ];
        options.arguments.extend(own.map(str::to_owned));
        let nodes: Vec<_> = (0..NODES).map(|_| Redis::with(options.clone())).collect();
        join(&nodes, options.password.as_deref());
        let cluster = Self { nodes };
        cluster.wait_until_whole();
        cluster
    }

    /// All nodes; who is master changes.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The URLs of all nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The node that decides about a slot, in the eyes of a node that runs.
    ///
    /// # Panics
    /// If it is not one that runs: [`wait_until_ok`](Self::wait_until_ok) first.
    pub fn master_of_slot(&self, slot: u16) -> &Redis {
        self.view().master_of_slot(slot).unwrap_or_else(|| panic!("nobody has slot {slot}"))
    }

    /// The slot of a key.
    pub fn slot(&self, key: &str) -> u16 {
        self.view().node.command(&["CLUSTER", "KEYSLOT", key]).parse().unwrap()
    }

    /// Waits until every slot has a master that runs, and all nodes that run agree on it: after the end of a master.
    ///
    /// # Panics
    /// If half a minute goes by.
    pub fn wait_until_ok(&self) {
        eventually("the cluster is ok", || {
            let mut running = self.nodes.iter().filter(|node| node.is_running());
            let agree = running.all(|node| {
                let view = View::of(node, &self.nodes);
                info(node, "cluster_state") == "ok" && view.is_some_and(|view| view.is_complete())
            });
            agree.then_some(())
        });
    }

    /// Waits until all six nodes run and every master has a replica that has all it has: after a node has come back.
    ///
    /// # Panics
    /// If half a minute goes by.
    pub fn wait_until_whole(&self) {
        self.wait_until_ok();
        eventually("the cluster is whole", || {
            let known = NODES.to_string();
            let knows_all = |node: &Redis| node.is_running() && info(node, "cluster_known_nodes") == known;
            let linked = |node: &&Redis| node.try_info("master_link_status").as_deref() == Ok("up");
            let followed = |node: &&Redis| node.try_info("connected_slaves").as_deref() == Ok("1");
            let whole = self.nodes.iter().all(knows_all)
                && self.nodes.iter().filter(linked).count() == MASTERS
                && self.nodes.iter().filter(followed).count() == MASTERS;
            whole.then_some(())
        });
    }

    fn view(&self) -> View<'_> {
        let mut running = self.nodes.iter().filter(|node| node.is_running());
        running
            .find_map(|node| View::of(node, &self.nodes))
            .expect("a node of the cluster answers")
    }
}

/// What a node knows of the others.
struct View<'c> {
    node: &'c Redis,
    /// Masters with the slots that they have, both ends included.
    slots: Vec<(&'c Redis, u16, u16)>,
}

impl<'c> View<'c> {
    fn of(node: &'c Redis, all: &'c [Redis]) -> Option<Self> {
        let text = node.try_command(&["CLUSTER", "NODES"]).ok()?;
        let mut slots = Vec::new();
        for line in text.lines() {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [_, address, flags, ..] = fields[..] else {
                continue;
            };
            let port = address.split(['@', ':']).nth(1).and_then(|port| port.parse::<u16>().ok());
            let Some(master) = all.iter().find(|node| Some(node.port()) == port && flags.contains("master"))
            else {
                continue;
            };
            let ranges = fields.iter().skip(8).filter(|range| !range.starts_with('['));
            slots.extend(ranges.filter_map(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                Some((master, first.parse().ok()?, last.parse().ok()?))
            }));
        }
        Some(Self { node, slots })
    }

    fn master_of_slot(&self, slot: u16) -> Option<&'c Redis> {
        let has = |(_, first, last): &&(_, u16, u16)| (*first..=*last).contains(&slot);
        self.slots
            .iter()
            .find(has)
            .map(|(master, ..)| *master)
            .filter(|master| master.is_running())
    }

    fn is_complete(&self) -> bool {
        self.slots.iter().map(|(_, first, last)| usize::from(last - first) + 1).sum::<usize>() == 16_384
            && self.slots.iter().all(|(master, ..)| master.is_running())
    }
}

/// Makes one cluster of nodes that do not know each other.
fn join(nodes: &[Redis], password: Option<&str>) {
    let mut command = Command::new("redis-cli");
    if let Some(password) = password {
        command.args(["--no-auth-warning", "-a", password]);
    }
    command.args(["--cluster", "create", "--cluster-replicas", "1", "--cluster-yes"]);
    let said = command.args(nodes.iter().map(|node| node.address().to_string())).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

fn info(node: &Redis, field: &str) -> String {
    let info = node.try_command(&["CLUSTER", "INFO"]).unwrap_or_default();
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_default().trim().to_owned()
}

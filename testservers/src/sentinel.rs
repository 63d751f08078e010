//! Redis Sentinel.

use std::net::SocketAddr;

use crate::process::eventually;
use crate::redis::{Flavour, Options, Redis};

/// What the sentinels call the master.
const NAME: &str = "primary";
const SENTINELS: usize = 3;

/// A master, its replica, and three sentinels that watch them; all run until this is dropped.
///
/// A master that does not answer for a second is replaced by the replica about a second later.
#[derive(Debug)]
pub struct Sentinel {
    servers: [Redis; 2],
    sentinels: Vec<Redis>,
}

impl Sentinel {
    /// Starts all, which takes seconds.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Flavour::Redis)
    }

    /// Starts all, of one flavour.
    ///
    /// # Panics
    /// If they do not find each other in time.
    #[must_use]
    pub fn with(flavour: Flavour) -> Self {
        let own = ["--repl-diskless-sync-delay", "0"];
        let options = |more: &[&str]| {
            let arguments = own.iter().chain(more).map(|argument| (*argument).to_owned()).collect();
            Options { flavour, arguments, ..Options::default() }
        };
        let master = Redis::with(options(&[]));
        let port = master.port().to_string();
        let replica = Redis::with(options(&["--replicaof", "127.0.0.1", &port]));
        // Sentinels ask a master for its replicas when they begin, and then only every ten seconds.
        let followed = || (replica.info("master_link_status") == "up").then_some(());
        eventually("the replica follows", followed);
        let config = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} 2\nsentinel down-after-milliseconds {NAME} 1000\n\
             sentinel failover-timeout {NAME} 2000\n"
        );
        let sentinels = (0..SENTINELS).map(|_| Redis::sentinel(flavour, &config)).collect();
        let all = Self { servers: [master, replica], sentinels };
        all.wait_until_whole();
        all
    }

    /// The name under which clients ask sentinels for the master.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[Redis] {
        &self.sentinels
    }

    /// The two servers that are watched; who is master changes.
    #[must_use]
    pub fn servers(&self) -> &[Redis; 2] {
        &self.servers
    }

    /// Where the master is, in the eyes of the first sentinel that runs.
    ///
    /// # Panics
    /// If no sentinel answers.
    pub fn master_address(&self) -> SocketAddr {
        let sentinel = self.sentinels.iter().find(|sentinel| sentinel.is_running()).expect("a sentinel runs");
        let address = sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
        address.replace('\n', ":").parse().unwrap()
    }

    /// The master, in the eyes of the first sentinel that runs.
    ///
    /// # Panics
    /// If no sentinel answers.
    pub fn master(&self) -> &Redis {
        let address = self.master_address();
        self.servers
            .iter()
            .find(|server| server.address() == address)
            .expect("it is one of the two")
    }

    /// Has the replica take over while the master runs, and waits until all sentinels say so.
    ///
    /// # Panics
    /// If they refuse, or half a minute goes by.
    pub fn failover(&self) {
        let before = self.master_address();
        // Refused while the end of the one before is not known everywhere.
        eventually("the sentinels agree to a failover", || {
            self.sentinels[0].try_command(&["SENTINEL", "FAILOVER", NAME]).ok()
        });
        self.wait_until_master_is_not(before);
    }

    /// Waits until all sentinels that run have another master than this: after its end.
    ///
    /// # Panics
    /// If half a minute goes by.
    pub fn wait_until_master_is_not(&self, before: SocketAddr) {
        let before = format!("{}\n{}", before.ip(), before.port());
        eventually("another master", || {
            let mut running = self.sentinels.iter().filter(|sentinel| sentinel.is_running());
            let has_another = |sentinel: &Redis| {
                let now = sentinel.try_command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
                now.is_ok_and(|now| now != before)
            };
            (running.all(has_another) && self.master().try_info("role").as_deref() == Ok("master"))
                .then_some(())
        });
    }

    /// Waits until all know each other and the replica has all that the master has: after a server has come back,
    /// which sentinels tell to follow the new master only after about ten seconds.
    ///
    /// # Panics
    /// If half a minute goes by.
    pub fn wait_until_whole(&self) {
        eventually("the sentinels know each other and the replica", || {
            let knows_all = |sentinel: &Redis| {
                let known =
                    format!("status=ok,address={},slaves=1,sentinels={SENTINELS}", self.master_address());
                sentinel.try_info("master0").is_ok_and(|info| info.ends_with(&known))
            };
            let linked = |server: &Redis| server.try_info("master_link_status").as_deref() == Ok("up");
            (self.sentinels.iter().all(knows_all) && self.servers.iter().any(linked)).then_some(())
        });
    }
}

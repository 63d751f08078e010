//! Connections that ask nothing, in numbers.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::{POLICY, metric, others_are_served};
use crate::client::eventually;
use crate::server::Home;

/// A connection from one of many addresses, so that there are ports enough for all.
async fn connect(number: usize, to: SocketAddr) -> std::io::Result<TcpStream> {
    let third = u8::try_from(number / 10_000 + 1).unwrap();
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, third, 1), 0)))?;
    socket.connect(to).await
}

/// As many as this process may have files, but for those of the tests beside this one; at most a hundred thousand.
fn many() -> usize {
    let (files, _) = rlimit::Resource::NOFILE.get().unwrap();
    let raised = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(files);
    usize::try_from(raised.saturating_sub(5000)).unwrap().min(100_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_idle_connections_as_the_cap_allows_cost_little() {
    let (home, many) = (Home::new(POLICY), many());
    let settings = format!("limits.connections={}", many + 100);
    let server = home.start(&["--set", &settings, "--set", "limits.header_timeout=10m"]).await;
    others_are_served(&server).await;
    let before = server.resident();
    let mut idle = Vec::with_capacity(many);
    for number in 0..many {
        idle.push(connect(number, server.address).await.unwrap());
    }
    let open = "ratekeeper_connections_open";
    eventually("all are accepted", async || {
        (metric(&server, open).await >= u64::try_from(many).unwrap()).then_some(())
    })
    .await;
    others_are_served(&server).await;
    let each = (server.resident().saturating_sub(before) << 10) / u64::try_from(many).unwrap();
    assert!(each < 4096, "{each} bytes of memory a connection, {many} connections");
    drop(idle);
    eventually("all are gone", async || (metric(&server, open).await < 10).then_some(())).await;
}

/// Beyond the cap, who is idle longest makes way: new clients are served though the old ones never leave.
#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_cap_the_idle_make_way() {
    let home = Home::new(POLICY);
    let server = home
        .start(&[
            "--set",
            "limits.connections=200",
            "--set",
            "limits.header_timeout=10m",
        ])
        .await;
    let mut idle = Vec::new();
    for number in 0..1000 {
        let mut stream = connect(number, server.address).await.unwrap();
        // Some have said a little, some have asked before, and most have said nothing.
        match number % 4 {
            0 => _ = stream.write_all(b"GET /hea").await,
            1 => _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await,
            _ => {}
        }
        idle.push(stream);
    }
    for _ in 0..20 {
        others_are_served(&server).await;
    }
    assert!(metric(&server, "ratekeeper_connections_open").await <= 200);
    assert!(metric(&server, "ratekeeper_connections_closed_total{reason=\"shed\"}").await >= 500);
}

//! Rate limits in front of an actix-web application, refused once to show it.

#![allow(clippy::print_stdout)]

use actix_web::{App, HttpServer, web};
use ratekeeper_actix::RateLimit;
use ratekeeper_actix::engine::{Engine, Policy};

const POLICY: &str = "
rules:
  - name: items
    match: { route: \"/items/{id}\" }     # whichever item: the route is counted, not the path
    key: [ip]
    limits: [ 3 per minute ]
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Made once: each worker gets a clone, and all of them count together.
    let limits = RateLimit::new(Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?);
    let app =
        move || App::new().wrap(limits.clone()).route("/items/{id}", web::get().to(async || "an item\n"));
    let server = HttpServer::new(app).workers(2).disable_signals().bind("127.0.0.1:0")?;
    let address = server.addrs()[0];
    tokio::spawn(server.run());

    for id in 1..=4 {
        let (status, headers) = examples::get(address, &format!("/items/{id}")).await?;
        println!("{status} {:?}", headers.get("ratelimit"));
        assert_eq!(status, if id < 4 { 200 } else { 429 });
    }
    Ok(())
}

//! What only actix-web has: routes, errors of middlewares, and a server of its own.

use std::net::SocketAddr;

use actix_web::dev::ServiceResponse;
use actix_web::error::ErrorUnauthorized;
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service, try_call_service};
use actix_web::{App, HttpServer, web};
use ratekeeper_actix::RateLimit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::middleware::kit::engine;

fn get(path: &str) -> TestRequest {
    TestRequest::with_uri(path).peer_addr("203.0.113.7:1".parse().unwrap())
}

const BY_ROUTE: &str = "rules:
  - { name: items, match: { route: \"/api/items/{id}\" }, key: [route], limits: [ 2 per minute ] }";

#[tokio::test]
async fn the_route_that_will_match_is_known_before_it_is_chosen() {
    let limits = RateLimit::new(engine(BY_ROUTE).0);
    let scope = web::scope("/api")
        .route("/items/{id}", web::get().to(async || "an item"))
        .route("/other/{id}", web::get().to(async || "another"))
        .route("/%69tems/{id}", web::get().to(async || "never reached"));
    let app = init_service(App::new().wrap(limits).service(scope)).await;
    for (path, expected) in [
        ("/api/items/1", 200),
        ("/api/other/1", 200),
        ("/api/items/2?x", 200),
        ("/api/items/3", 429),
        ("/api/%69tems/3", 429),
        ("/%61pi/items/%33", 429),
        ("/api/items/a%2fb", 429),
        ("/api/other/3", 200),
        ("/api/%6fther/3", 200),
        ("/api/nothing", 404),
    ] {
        let response = try_call_service(&app, get(path).to_request()).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_scope_or_a_resource_is_limited_alone() {
    let (engine, _) = engine("rules: [{ name: api, key: [ip], limits: [ 1 per minute ] }]");
    let limits = RateLimit::new(engine);
    let scope = web::scope("/api").wrap(limits.clone()).route("/{id}", web::get().to(async || "limited"));
    let resource = web::resource("/one").wrap(limits).to(async || "limited");
    let app = init_service(
        App::new().service(scope).service(resource).route("/free", web::get().to(async || "free")),
    )
    .await;
    for (path, expected) in [
        ("/free", 200),
        ("/api/1", 200),
        ("/free", 200),
        ("/api/2", 429),
        ("/one", 429),
    ] {
        let response = try_call_service(&app, get(path).to_request()).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{path}");
    }
}

#[tokio::test]
async fn the_error_of_an_inner_middleware_is_charged_as_its_response() {
    let (engine, _) = engine("rules: [{ name: login, key: [ip], limits: [ 1 per minute ] }]");
    let limits = RateLimit::new(engine).charge_when(|response| response.status == StatusCode::UNAUTHORIZED);
    let denies = from_fn(async |_, _| Err::<ServiceResponse, _>(ErrorUnauthorized("who are you?")));
    let app = init_service(App::new().wrap(denies).wrap(limits)).await;
    let error = try_call_service(&app, get("/").to_request()).await.unwrap_err();
    assert_eq!(error.error_response().status(), StatusCode::UNAUTHORIZED);
    let refused = try_call_service(&app, get("/").to_request()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}

/// The answer of a server, up to its end.
async fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.to_ascii_lowercase()
}

#[tokio::test]
async fn workers_of_a_server_count_together() {
    let (engine, _) =
        engine("rules: [{ name: api, key: [ip], limits: [ 3 per minute, 1 concurrent ttl 60s ] }]");
    let limits = RateLimit::new(engine);
    let server =
        HttpServer::new(move || App::new().wrap(limits.clone()).default_service(web::to(async || "served")))
            .workers(2)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    for remaining in 0..3 {
        // Each could come to the other worker, and finds the slot free: the one before has let go of it.
        let answer = ask(address, "GET / HTTP/1.1\r\nhost: a.example").await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(answer.contains(&format!("r={}", 2 - remaining)), "{answer}");
    }
    let refused = ask(address, "GET / HTTP/1.1\r\nhost: a.example").await;
    assert!(refused.starts_with("http/1.1 429"), "{refused}");
    assert!(
        refused.contains("content-type: application/problem+json") && refused.contains("retry-after: 20")
    );
    let head = ask(address, "HEAD / HTTP/1.1\r\nhost: a.example").await;
    assert!(head.starts_with("http/1.1 429") && head.ends_with("\r\n\r\n"), "{head}");
    let ambiguous = ask(address, "GET / HTTP/1.1\r\nhost: a.example\r\nhost: b.example").await;
    assert!(ambiguous.starts_with("http/1.1 400"), "{ambiguous}");
    handle.stop(false).await;
}

//! Rate limits for each user, whom a signed token names; a forged token names nobody.

#![allow(clippy::print_stdout)]

use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::get;
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use ratekeeper::engine::{Engine, Policy};
use ratekeeper::tower::{JwtKeys, JwtSubject, RateLimitLayer};

const POLICY: &str = "
rules:
  - name: per-user
    key: [user]
    missing: deny                       # who does not say who he is gets 403
    limits: [ 2 per minute ]
";

/// Programs read it from their configuration, and have the public key of the issuer rather than a secret.
const SECRET: &[u8] = b"32 bytes that nobody else knows!";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Policy::parse(POLICY, "policy.yaml", &|_| None)?)?;
    let user = JwtSubject::new(JwtKeys::hs256(SECRET)?).issuer("https://login.example.com");
    let app = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .layer(RateLimitLayer::new(engine).user(user));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    let (alice, bob) = (token("alice", SECRET)?, token("bob", SECRET)?);
    let forged = token("bob", b"some other secret of some length")?;
    let asked = [
        ("alice", &alice, 200),
        ("alice", &alice, 200),
        ("alice", &alice, 429),
        ("bob", &bob, 200),
    ];
    for (who, token, expected) in asked.into_iter().chain([("forged", &forged, 403)]) {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse()?)]);
        let (status, headers) = examples::get_with(address, "/", headers).await?;
        println!("{who}: {status} {:?}", headers.get("ratelimit"));
        assert_eq!(status, expected);
    }
    Ok(())
}

/// A token as an issuer signs it.
fn token(user: &str, secret: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
    let claims = serde_json::json!({
        "sub": user,
        "iss": "https://login.example.com",
        "exp": get_current_timestamp() + 600,
    });
    Ok(encode(&Header::default(), &claims, &EncodingKey::from_secret(secret)?)?)
}

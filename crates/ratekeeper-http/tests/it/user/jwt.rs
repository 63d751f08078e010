//! Users that signed tokens name, and tokens that name nobody.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use ratekeeper_core::{Micros, Timestamp};
use ratekeeper_http::{JwtKeyError, JwtKeys, JwtSubject};
use serde_json::{Value, json};

use super::{START, asks_at};

const SECRET: &[u8] = b"a secret that has at least 32 bytes";
/// The beginning, in seconds.
const SECONDS: u64 = START.as_micros() / 1_000_000;

const RS256: &str = include_str!("keys/rs256.jwt");
const ES256: &str = include_str!("keys/es256.jwt");
const EDDSA: &str = include_str!("keys/eddsa.jwt");

fn hs256() -> JwtSubject {
    JwtSubject::new(JwtKeys::hs256(SECRET).unwrap())
}

/// A token of ours with these claims beside an expiry in an hour.
fn signed(claims: Value) -> String {
    signed_by(SECRET, &Header::new(Algorithm::HS256), claims)
}

fn signed_by(secret: &[u8], header: &Header, mut claims: Value) -> String {
    if claims.get("exp").is_none() {
        claims["exp"] = json!(SECONDS + 3600);
    }
    encode(header, &claims, &EncodingKey::from_secret(secret).unwrap()).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

#[track_caller]
fn check_at(seconds: u64, user: &JwtSubject, token: &str, expected: Option<&str>) {
    let line = format!("Bearer {}", token.trim_end());
    let found = asks_at(at(seconds), user, "", &[("authorization", line.as_bytes())]);
    assert_eq!(found.as_deref(), expected, "{token}");
}

#[track_caller]
fn check(user: &JwtSubject, token: &str, expected: Option<&str>) {
    check_at(SECONDS, user, token, expected);
}

/// The same text in base64 without padding, as tokens have it.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    text.as_bytes()
        .chunks(3)
        .flat_map(|chunk| {
            let bits =
                chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            [18, 12, 6, 0].map(|shift| digit(bits >> shift)).into_iter().take(chunk.len() + 1)
        })
        .collect()
}

#[test]
fn every_algorithm_verifies_its_tokens_and_no_others() {
    let [rs256, es256, eddsa] = [
        JwtKeys::rs256(include_str!("keys/rs256.pem")).unwrap(),
        JwtKeys::es256(include_str!("keys/es256.pem")).unwrap(),
        JwtKeys::eddsa(include_str!("keys/eddsa.pem")).unwrap(),
    ]
    .map(JwtSubject::new);
    let hs256 = hs256();
    let token = signed(json!({ "sub": "alice" }));
    let pairs = [
        (&hs256, token.as_str()),
        (&rs256, RS256),
        (&es256, ES256),
        (&eddsa, EDDSA),
    ];
    for (index, (user, _)) in pairs.iter().enumerate() {
        for (other, (_, token)) in pairs.iter().enumerate() {
            check(user, token, (index == other).then_some("alice"));
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    // The classic confusion: a token that is signed with the public key as if it were the secret of HS256.
    let pem = include_str!("keys/rs256.pem");
    let forged = signed_by(pem.as_bytes(), &Header::new(Algorithm::HS256), json!({ "sub": "alice" }));
    check(&JwtSubject::new(JwtKeys::rs256(pem).unwrap()), &forged, None);
    check(&JwtSubject::new(JwtKeys::jwks(include_str!("keys/jwks.json")).unwrap()), &forged, None);
}

#[test]
fn a_token_that_is_not_verified_names_nobody() {
    let user = hs256();
    let good = signed(json!({ "sub": "alice" }));
    check(&user, &good, Some("alice"));
    let parts: Vec<&str> = good.split('.').collect();
    let (head, claims, signature) = (parts[0], parts[1], parts[2]);
    let none = base64(r#"{"alg":"none","typ":"JWT"}"#);
    let bob = base64(&json!({ "sub": "bob", "exp": SECONDS + 3600 }).to_string());
    let critical = base64(r#"{"alg":"HS256","crit":["x"],"x":1}"#);
    for forged in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{}.{claims}.", base64(r#"{"alg":"None"}"#)),
        format!("{head}.{bob}.{signature}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        format!("{head}.{claims}.{signature}.{signature}"),
        format!("{critical}.{claims}.{signature}"),
        format!("{head}.{claims}.{}", signature.to_ascii_uppercase()),
        format!("{head}.{claims}.{signature}="),
        format!("{}.{claims}.{signature}", base64(&"[".repeat(5_000))),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "%%%.%%%.%%%".to_owned(),
        signed_by(
            b"another secret of at least 32 bytes",
            &Header::new(Algorithm::HS256),
            json!({ "sub": "alice" }),
        ),
        signed_by(SECRET, &Header::new(Algorithm::HS512), json!({ "sub": "alice" })),
    ] {
        check(&user, &forged, None);
    }
}

#[test]
fn tokens_that_are_sent_twice_or_are_huge_name_nobody() {
    let token = signed(json!({ "sub": "alice" }));
    let line = format!("Bearer {token}");
    let twice: &[(&'static str, &[u8])] = &[
        ("authorization", line.as_bytes()),
        ("authorization", line.as_bytes()),
    ];
    assert_eq!(asks_at(START, &hs256(), "", twice), None);
    check(&hs256(), &signed(json!({ "sub": "alice", "more": "x".repeat(8 << 10) })), None);
}

#[test]
fn a_token_is_valid_from_nbf_until_exp() {
    let token = signed(json!({ "sub": "alice", "nbf": SECONDS + 10, "exp": SECONDS + 20 }));
    for (second, valid) in [(9, false), (10, true), (19, true), (20, false)] {
        check_at(SECONDS + second, &hs256(), &token, valid.then_some("alice"));
    }
    let lenient = hs256().leeway(Duration::from_secs(5));
    for (second, valid) in [(4, false), (5, true), (24, true), (25, false)] {
        check_at(SECONDS + second, &lenient, &token, valid.then_some("alice"));
    }
    for wrong in [
        json!({ "sub": "alice", "exp": null }),
        json!({ "sub": "alice", "exp": "4000000000" }),
        json!({ "sub": "alice", "exp": -1 }),
        json!({ "sub": "alice", "nbf": "0" }),
    ] {
        check(&hs256(), &signed(wrong), None);
    }
    let fraction = signed(json!({ "sub": "alice", "exp": SECONDS as f64 + 0.5 }));
    check(&hs256(), &fraction, Some("alice"));
}

#[test]
fn issuer_and_audience_must_be_there_if_they_are_asked_for() {
    let user = hs256().issuer("a").issuer("b").audience("api");
    check(&user, &signed(json!({ "sub": "alice", "iss": "b", "aud": "api" })), Some("alice"));
    check(&user, &signed(json!({ "sub": "alice", "iss": "a", "aud": ["x", "api"] })), Some("alice"));
    for wrong in [
        json!({ "sub": "alice", "iss": "c", "aud": "api" }),
        json!({ "sub": "alice", "aud": "api" }),
        json!({ "sub": "alice", "iss": "a" }),
        json!({ "sub": "alice", "iss": "a", "aud": "other" }),
        json!({ "sub": "alice", "iss": 1, "aud": { "api": true } }),
    ] {
        check(&user, &signed(wrong), None);
    }
    check(&hs256(), &signed(json!({ "sub": "alice", "aud": "somebody-else" })), None);
}

#[test]
fn the_claim_is_a_name_or_a_whole_number() {
    let user = hs256().claim("account");
    check(&user, &signed(json!({ "sub": "alice", "account": "acme" })), Some("acme"));
    check(&user, &signed(json!({ "account": 42 })), Some("42"));
    for wrong in [
        json!(""),
        json!(1.5),
        json!(true),
        json!(["acme"]),
        json!({ "id": 1 }),
        json!(null),
    ] {
        check(&user, &signed(json!({ "sub": "alice", "account": wrong })), None);
    }
    check(&user, &signed(json!({ "sub": "alice" })), None);
}

#[test]
fn a_key_set_is_chosen_from_by_id() {
    let user = JwtSubject::new(JwtKeys::jwks(include_str!("keys/jwks.json")).unwrap())
        .issuer("https://login.example.com");
    for token in [RS256, ES256, EDDSA] {
        check(&user, token, Some("alice"));
    }
    let mut stranger = Header::new(Algorithm::HS256);
    stranger.kid = Some("o".to_owned());
    let symmetric =
        signed_by(&[b'x'; 32], &stranger, json!({ "sub": "alice", "iss": "https://login.example.com" }));
    check(&user, &symmetric, None);
    let nameless = JwtKeys::jwks(include_str!("keys/jwks.json").replace("\"e\"", "\"other\"")).unwrap();
    check(&JwtSubject::new(nameless), ES256, None);
}

#[test]
fn keys_of_one_id_or_none_are_told_apart_by_their_algorithms() {
    let mut set: Value = serde_json::from_str(include_str!("keys/jwks.json")).unwrap();
    for (id, expected) in [
        (json!(null), [true, true, true]),
        (json!("r"), [true, false, false]),
        (json!("e"), [false, true, false]),
        (json!("d"), [false, false, true]),
    ] {
        for key in set["keys"].as_array_mut().unwrap() {
            key["kid"] = id.clone();
        }
        let set = set.to_string();
        assert_eq!([RS256, ES256, EDDSA].map(|token| named_by(&set, token)), expected, "{id}");
        let forged = signed_by(&[b'x'; 32], &Header::new(Algorithm::HS256), json!({ "sub": "alice" }));
        assert!(!named_by(&set, &forged));
    }
}

/// Whether a token names somebody by one of these keys.
fn named_by(set: &str, token: &str) -> bool {
    let line = format!("Bearer {}", token.trim_end());
    let user = JwtSubject::new(JwtKeys::jwks(set).unwrap());
    asks_at(START, &user, "", &[("authorization", line.as_bytes())]).is_some()
}

#[test]
fn a_set_whose_keys_tokens_cannot_choose_between_is_an_error() {
    let set: Value = serde_json::from_str(include_str!("keys/jwks.json")).unwrap();
    let mut twice = set.clone();
    twice["keys"][4] = set["keys"][2].clone();
    for (id, fits) in [(json!("other"), true), (json!(null), false), (json!("e"), false)] {
        twice["keys"][4]["kid"] = id;
        let keys = JwtKeys::jwks(twice.to_string());
        assert_eq!(keys.err(), (!fits).then(|| JwtKeyError::SameKey("ES256".to_owned())));
    }
}

#[test]
fn keys_that_verify_nothing_are_errors() {
    assert_eq!(JwtKeys::hs256("short").unwrap_err(), JwtKeyError::ShortSecret(5));
    let es256 = include_str!("keys/es256.pem");
    for error in [
        JwtKeys::rs256(es256).unwrap_err(),
        JwtKeys::eddsa(es256).unwrap_err(),
        JwtKeys::es256(es256.replace("PUBLIC", "PRIVATE")).unwrap_err(),
        JwtKeys::es256("").unwrap_err(),
        JwtKeys::es256(&es256[..es256.len() / 2]).unwrap_err(),
    ] {
        assert!(error.to_string().contains("write BEGIN PUBLIC KEY"), "{error}");
    }
    assert!(matches!(JwtKeys::jwks("{}").unwrap_err(), JwtKeyError::KeySet(_)));
    assert_eq!(JwtKeys::jwks(r#"{"keys":[]}"#).unwrap_err(), JwtKeyError::NoKey);
    let symmetric = r#"{"keys":[{"kty":"oct","k":"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"}]}"#;
    assert_eq!(JwtKeys::jwks(symmetric).unwrap_err(), JwtKeyError::NoKey);
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", hs256());
    assert!(
        !shown.contains("secret that") && !shown.contains(&format!("{:?}", &SECRET[..4])[1..10]),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn no_token_that_is_made_up_names_anybody(token in "[A-Za-z0-9_.=-]{0,300}", seconds in 0_u64..1 << 40) {
        let line = format!("Bearer {token}");
        let now = at(seconds).before(Micros::from_secs(1));
        prop_assert_eq!(asks_at(now, &hs256(), "", &[("authorization", line.as_bytes())]), None);
    }
}

//! The index finds what a look at each would find.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{Index, Places};
use crate::attributes::Attributes;
use crate::decode::FromText;
use crate::ip::{Network, masked};
use crate::matching::{Matcher, NameValue};
use crate::request::Request;

const PATHS: [&str; 14] = [
    "/",
    "/a",
    "/b",
    "/a/b",
    "/a/b/c",
    "/{x}",
    "/{x}/b",
    "/a/{x}",
    "/a/{x}/c",
    "/{*rest}",
    "/a/{*rest}",
    "/a/b/{*rest}",
    "/a{x}b/b",
    "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r",
];
const SENT: [&str; 10] = [
    "/",
    "/A",
    "/a/",
    "/c",
    "/a/b",
    "/a/b/",
    "//a/./b/c",
    "/axb/b",
    "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r",
    "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s",
];
const VALUES: [&str; 10] = ["", "a", "b", "ab", "a*", "ab*", "*b", "*b*", "a*b", "*"];
const HOSTS: [&str; 6] = ["a.b", "b", "*.b", "*.a.b", "[::1]", "*"];
const ASKED: [&str; 8] = ["A.b:80", "b.", "x.A.B", ".b", "b", "[::1]:443", "x", "a.b"];

fn parsed<T: FromText>(text: &str) -> T {
    T::from_text(text).unwrap_or_else(|wrong| panic!("{text}: {}", wrong.message))
}

fn some<T: FromText + std::fmt::Debug>(
    texts: &'static [&'static str],
    most: usize,
) -> impl Strategy<Value = Vec<T>> {
    // None at all is what most rules have.
    prop_oneof![2 => Just(Vec::new()), 1 => vec(prop::sample::select(texts), 0..=most)]
        .prop_map(|texts| texts.into_iter().map(parsed).collect())
}

fn named() -> impl Strategy<Value = Vec<NameValue>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(("(k|kk|l)", some(&VALUES, 2)), 0..3)]
}

fn network() -> impl Strategy<Value = Network> {
    (0_u8..4, 29_u8..=32, any::<bool>()).prop_map(|(last, length, v6)| {
        let (ip, length) = if v6 {
            (IpAddr::from([0, 0, 0, 0, 0, 0, 0, u16::from(last)]), length + 96)
        } else {
            (IpAddr::from([10, 0, 0, last]), length)
        };
        parsed(&format!("{}/{length}", masked(ip, length, length)))
    })
}

/// One with any conditions.
fn any_matcher() -> impl Strategy<Value = Matcher> {
    let first = (some(&["GET", "PUT"], 2), some(&PATHS, 6), some(&VALUES, 2), some(&HOSTS, 2));
    let second = (vec(network(), 0..2), some(&VALUES, 6), named(), named(), option::of("[de]"));
    (first, second).prop_map(
        |((methods, paths, routes, hosts), (networks, users, headers, descriptors, domain))| Matcher {
            methods,
            paths,
            routes,
            hosts,
            networks,
            users,
            headers,
            descriptors,
            domain,
            ..Matcher::default()
        },
    )
}

/// One of few kinds, so that many are alike.
fn plain_matcher() -> impl Strategy<Value = Matcher> {
    (some(&["GET"], 1), some(&["/a"], 1), some(&["a"], 1)).prop_map(|(methods, paths, users)| Matcher {
        methods,
        paths,
        users,
        ..Matcher::default()
    })
}

fn matcher() -> impl Strategy<Value = Matcher> {
    prop_oneof![any_matcher(), plain_matcher()]
}

/// The owner of attributes.
#[derive(Clone, Debug)]
struct Sent {
    texts: [Option<&'static str>; 6],
    ip: Option<IpAddr>,
    headers: Vec<(String, String)>,
    descriptors: Vec<(String, String)>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let one = |texts: &'static [&'static str]| option::of(prop::sample::select(texts));
    let texts = (
        one(&["GET", "put", "X"]),
        one(&SENT),
        one(&VALUES),
        one(&ASKED),
        one(&VALUES),
        one(&["d", "e", "f"]),
    );
    let ip = option::of((0_u8..4, any::<bool>()).prop_map(|(last, v6)| match v6 {
        true => IpAddr::from([0, 0, 0, 0, 0, 0, 0, u16::from(last)]),
        false => IpAddr::from([10, 0, 0, last]),
    }));
    let lines = || vec(("[kKl]{1,2}", "[abc]{0,3}"), 0..3);
    (texts, ip, lines(), lines()).prop_map(|(texts, ip, headers, descriptors)| Sent {
        texts: texts.into(),
        ip,
        headers,
        descriptors,
    })
}

fn lines(owned: &[(String, String)]) -> Vec<(&str, &str)> {
    owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_a_walk_finds(all in vec(matcher(), 0..80), sent in vec(sent(), 1..8)) {
        let index = Index::new(all.iter().map(Matcher::conditions).enumerate());
        for sent in sent {
            let [method, path, route, host, user, domain] = sent.texts;
            let (headers, descriptors) = (lines(&sent.headers), lines(&sent.descriptors));
            let (headers, descriptors) = (&*headers, &*descriptors);
            let attributes = Attributes {
                ip: sent.ip, method, path, route, host, user, domain, headers, descriptors, client_name: None,
            };
            let request = Request::new(&attributes, true);
            let holds = |place: usize| all[place].check(&request).is_ok();
            let walked: Vec<usize> = (0..all.len()).filter(|place| holds(*place)).collect();
            let mut found: Places = index.always().into();
            index.find(&request, &mut found);
            found.sort_unstable();
            found.dedup();
            found.retain(|place| holds(*place));
            prop_assert_eq!(&*found, &*walked);
            prop_assert_eq!(index.first(&request, holds), walked.first().copied());
        }
    }
}

/// How many of these a request may meet.
fn met(all: &[Matcher], attributes: &Attributes<'_>) -> usize {
    let index = Index::new(all.iter().map(Matcher::conditions).enumerate());
    let mut found: Places = index.always().into();
    index.find(&Request::new(attributes, true), &mut found);
    found.len()
}

#[test]
fn of_many_a_few_are_looked_at() {
    let by_path = |number: usize| Matcher {
        methods: vec![parsed("GET")],
        paths: vec![parsed(&format!("/service/{number}/{{*rest}}"))],
        ..Matcher::default()
    };
    let all: Vec<Matcher> = (0..1000).map(by_path).collect();
    let at = |path| Attributes { path: Some(path), method: Some("GET"), ..Attributes::default() };
    assert_eq!((met(&all, &at("/service/700/x")), met(&all, &at("/service"))), (1, 0));
}

#[test]
fn two_conditions_that_many_share_are_looked_up_together() {
    let user_and_path = |number: usize| Matcher {
        users: vec![parsed(&format!("u{}", number / 30))],
        paths: vec![parsed(&format!("/{}", number % 30))],
        ..Matcher::default()
    };
    let all: Vec<Matcher> = (0..900).map(user_and_path).collect();
    let of = Attributes { path: Some("/7"), user: Some("u9"), ..Attributes::default() };
    assert_eq!(met(&all, &of), 1);
}

//! The Redis protocol: a request is read, a reply written.

use std::hint::black_box;

use ratekeeper_resp::{Limits, Parser, Reply, Version, write_request};

use crate::case::{Case, Operation};

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::new("resp/throttle", throttle)]
}

fn throttle() -> Operation {
    let mut received = Vec::new();
    write_request(&mut received, &["CL.THROTTLE", "user:000000001", "15", "30", "60", "1"]);
    let (mut parser, mut out) = (Parser::new(Limits::default()), Vec::with_capacity(256));
    Box::new(move || {
        let request = parser.parse(black_box(&received)).expect("a request").expect("a whole one");
        assert!(request.get(1).is_some_and(|key| key.len() == 14));
        out.clear();
        let mut reply = Reply::new(&mut out, Version::Resp2);
        reply.array(5).integer(0).integer(16).integer(15).integer(-1).integer(2);
        black_box(&out);
    })
}

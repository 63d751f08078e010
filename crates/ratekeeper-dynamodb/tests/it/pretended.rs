//! What the real service answers and DynamoDB Local never does: throttling, refused permissions, wrong credentials. A
//! responder that pretends to be the service answers every request with the same error, in the words of the service.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use ratekeeper_store::{Severity, Store as _, StoreError};

use crate::common::{bucket, runtime, store_at, take};

/// Pretends to be the service; only the table may be described, if it is so wanted.
fn pretended(error: &'static str, message: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream.unwrap(), error, message));
        }
    });
    address
}

fn answer(mut stream: TcpStream, error: &str, message: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let body =
        format!("{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{error}\",\"message\":\"{message}\"}}");
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: TEST\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()
}

fn error_of(error: &'static str, message: &'static str) -> StoreError {
    let store = store_at(&format!("dynamodb://limits?endpoint=http://{}", pretended(error, message)));
    runtime().block_on(take(&store, "key", &bucket(), 1)).unwrap_err()
}

#[test]
fn throttling_is_told_as_such_and_which() {
    for (code, message, advice) in [
        (
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
            "1,000 writes a second",
        ),
        (
            "ThrottlingException",
            "Throughput exceeds the current capacity of your table or index.",
            "within 30 minutes",
        ),
        (
            "RequestLimitExceeded",
            "Throughput exceeds the current throughput limit for your account.",
            "account",
        ),
    ] {
        let error = error_of(code, message);
        assert!(matches!(error, StoreError::Throttled { .. }) && error.is_retryable(), "{error}");
        let error = error.to_string();
        assert!([code, message, advice].iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn wrong_credentials_and_missing_permissions_are_not_worth_another_try() {
    for (code, message) in [
        ("UnrecognizedClientException", "The security token included in the request is invalid."),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::1:user/u is not authorized to perform: dynamodb:PutItem",
        ),
        ("ExpiredTokenException", "The security token included in the request is expired"),
        (
            "InvalidSignatureException",
            "Signature expired: 20261124T000000Z is now earlier than 20261124T000500Z",
        ),
    ] {
        let error = error_of(code, message);
        assert!(matches!(error, StoreError::Misconfigured { .. }), "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    let error = error_of("InternalServerError", "Internal server error");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}

#[test]
fn an_examination_names_every_permission_that_is_missing() {
    let address = pretended("AccessDeniedException", "User: u is not authorized to perform this");
    let store = store_at(&format!("dynamodb://limits?endpoint=http://{address}"));
    let examination = runtime().block_on(store.examine()).unwrap();
    for (action, severity) in [
        ("dynamodb:DescribeTable", Severity::Warning),
        ("dynamodb:GetItem", Severity::Problem),
        ("dynamodb:PutItem", Severity::Problem),
        ("dynamodb:UpdateItem", Severity::Problem),
        ("dynamodb:DeleteItem", Severity::Problem),
        ("dynamodb:ConditionCheckItem", Severity::Problem),
    ] {
        let finding = examination.findings.iter().find(|finding| finding.remedy.contains(action));
        assert_eq!(finding.map(|finding| finding.severity), Some(severity), "{action}: {examination:?}");
    }
}

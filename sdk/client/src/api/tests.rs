//! The client against a server that says what a test tells it to.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use sordino_protocol::{
    digest::{Digest, Purpose},
    ids::{AccountId, ListingId},
    money::Amount,
    problem::ProblemCode,
};
use uuid::Uuid;

use super::*;

/// Answers one connection with each of `responses`, in order, and hands over the requests.
fn server(responses: Vec<Vec<u8>>) -> (Client, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    let (send, requests) = mpsc::channel();
    thread::spawn(move || {
        for response in responses {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            // The body of these requests, if any, follows the head at once and has a stated length.
            while !complete(&request) {
                let length = stream.read(&mut piece).expect("read");
                assert!(length > 0, "the client hung up in the middle of a request");
                request.extend_from_slice(&piece[..length]);
            }
            // Before the answer: a test looks as soon as its client has that.
            let _ = send.send(String::from_utf8_lossy(&request).into_owned());
            stream.write_all(&response).expect("written");
        }
    });
    let retry = Retry { attempts: 3, first: Duration::from_millis(1), longest: Duration::from_millis(1) };
    (Client::new(&format!("http://{address}")).expect("an address").with_retry(retry), requests)
}

fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

fn response(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn problem(status: &str, code: &str, retryable: bool) -> Vec<u8> {
    let body = format!(
        "{{\"type\":\"about:blank\",\"title\":\"t\",\"status\":{},\"detail\":\"what was wrong\",\
         \"code\":\"{code}\",\"retryable\":{retryable}}}",
        &status[..3]
    );
    response(status, body.as_bytes())
}

#[tokio::test]
async fn what_may_be_repeated_is_and_the_rest_is_not() {
    let listings = response("200 OK", b"{\"listings\":[]}");
    let (client, _) = server(vec![problem("503 Busy", "unavailable", true), listings]);
    assert!(client.listings().await.expect("the second time").listings.is_empty());

    let busy = problem("503 Busy", "unavailable", true);
    let (client, requests) = server(vec![busy.clone(), busy]);
    let body = sordino_protocol::api::CreateApiKey {
        name: "k".to_owned(),
        scope: sordino_protocol::api::Scope::Buy,
    };
    let error = client.create_api_key(&body).await.expect_err("not repeated");
    assert_eq!(error.problem().map(|p| p.code), Some(ProblemCode::Unavailable));
    assert_eq!(requests.try_iter().count(), 1);
}

#[tokio::test]
async fn money_moves_with_its_key_and_problems_are_typed() {
    let (client, requests) = server(vec![
        problem("503 Busy", "unavailable", true),
        problem("402 Payment Required", "insufficient_balance", false),
    ]);
    let body = sordino_protocol::api::TopUp {
        account: AccountId::new(Uuid::from_u128(1)),
        amount: Amount::minor(100),
        memo: String::new(),
    };
    let client = client.with_bearer(SecretString::from("sord_secret".to_owned()));
    assert!(!format!("{client:?}").contains("sord_secret"));
    let error = client.top_up(&body, "key-1").await.expect_err("refused");
    assert_eq!(error.problem().map(|p| p.code), Some(ProblemCode::InsufficientBalance));
    assert_eq!(error.to_string(), "what was wrong");
    let sent: Vec<String> = requests.try_iter().map(|request| request.to_lowercase()).collect();
    assert_eq!(sent.len(), 2);
    for request in &sent {
        assert!(request.contains("idempotency-key: key-1"), "{request}");
        assert!(request.contains("authorization: bearer sord_secret"), "{request}");
    }
}

#[tokio::test]
async fn downloads_are_limited_and_checked() {
    let digest = Digest::of(Purpose::Object, b"right");
    let (client, _) = server(vec![
        response("200 OK", b"right"),
        response("200 OK", b"wrong"),
        response("200 OK", b"right"),
        response("200 OK", b"right"),
    ]);
    assert_eq!(client.object(&digest, 5).await.expect("sound").as_ref(), b"right");
    assert!(matches!(client.object(&digest, 5).await, Err(ClientError::ObjectDigest { .. })));
    assert!(matches!(client.object(&digest, 4).await, Err(ClientError::TooLarge { limit: 4, .. })));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("object");
    client.object_to_file(&digest, &path, 5).await.expect("sound");
    assert_eq!(std::fs::read(&path).expect("there"), b"right");
}

#[tokio::test]
async fn an_upload_is_streamed_with_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("object");
    std::fs::write(&path, b"some ciphertext").expect("written");
    let digest = Digest::of(Purpose::Object, b"some ciphertext");
    let (client, requests) =
        server(vec![problem("503 Busy", "unavailable", true), response("204 No Content", b"")]);
    assert_eq!(client.put_object(&digest, &path).await.expect("the second time"), 15);
    let sent = requests.try_iter().last().expect("a request");
    assert!(sent.to_lowercase().contains("content-length: 15"), "{sent}");
    assert!(sent.ends_with("some ciphertext"), "{sent}");
}

#[tokio::test]
async fn a_server_that_is_not_there_and_one_that_talks_nonsense_are_told_apart() {
    let nobody = Client::new("http://127.0.0.1:9").expect("an address");
    let nobody = nobody.with_retry(Retry { attempts: 1, ..Retry::default() });
    let error = nobody.listing(ListingId::new(Uuid::from_u128(1))).await.expect_err("nobody");
    assert!(matches!(error, ClientError::Network { .. }) && error.is_retryable(), "{error}");
    let (client, _) = server(vec![response("200 OK", b"<html>"), response("404 Not Found", b"<html>")]);
    assert!(matches!(client.listings().await, Err(ClientError::Answer { .. })));
    assert!(matches!(client.listings().await, Err(ClientError::Http { status: 404, .. })));
    assert!(matches!(Client::new("ftp://x"), Err(ClientError::Address(_))));
}

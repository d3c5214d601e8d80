//! Keys of an issuer that change, or cannot be fetched.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use proxy::auth::{Algorithm, Authenticator, Pace, Settings};
use serde_json::json;
use tests::Database;
use tests::issuer::{Jwks, Pair};
use tests::server::Server;

use super::{shop, start};

/// Often enough for a test, and seldom enough to see that it is not more often.
const PACE: Pace = Pace { every: Duration::from_secs(3600), at_most_every: Duration::from_millis(100) };

async fn follow(jwks: &Jwks, database: &Database, pace: Pace) -> Server {
    let jwks_url = Some(jwks.url());
    let algorithms = vec![Algorithm::Es256];
    start(
        database,
        Authenticator::new(Settings { jwks_url, algorithms, pace, ..Settings::default() }).unwrap(),
    )
    .await
}

async fn status(server: &Server, pair: &Pair) -> u16 {
    let bearer = format!("Bearer {}", pair.token(json!({"sub": "ann", "n": fastrand::u32(..)})));
    server.ask("GET /api/orders/1", &[("Authorization", &bearer)]).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_change_under_load_lose_no_request() {
    let database = shop().await;
    let first = Arc::new(Pair::p256("0"));
    let jwks = Jwks::start(&[&first]).await;
    let server = follow(&jwks, &database, PACE).await;
    assert_eq!(status(&server, &first).await, 200);
    // The key of now and the one before: tokens of both are under way.
    let keys = RwLock::new((first.clone(), first));
    let (over, answers) = (AtomicBool::new(false), [AtomicUsize::new(0), AtomicUsize::new(0)]);
    let ask = async |newest: bool| {
        while !over.load(Ordering::Relaxed) {
            let pair = {
                let keys = keys.read().unwrap();
                if newest { keys.1.clone() } else { keys.0.clone() }
            };
            assert_eq!(status(&server, &pair).await, 200, "key {}", pair.kid);
            answers[usize::from(newest)].fetch_add(1, Ordering::Relaxed);
        }
    };
    let rotate = async {
        for round in 1..=8 {
            let next = Arc::new(Pair::p256(&round.to_string()));
            let before = keys.read().unwrap().1.clone();
            // Three are shown: those who hold a token of the oldest one have just been given it.
            let oldest = keys.read().unwrap().0.clone();
            jwks.show(&[&next, &before, &oldest]);
            *keys.write().unwrap() = (before, next);
            // Some of them are by the new key.
            let seen = answers[1].load(Ordering::Relaxed);
            while answers[1].load(Ordering::Relaxed) < seen + 20 {
                tokio::task::yield_now().await;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    let workers = (0..8).map(|n| ask(n % 2 == 0));
    tokio::join!(join_all(workers), rotate);
    assert!(answers.iter().all(|count| count.load(Ordering::Relaxed) >= 20), "{answers:?}");
    assert_eq!(jwks.asked(), 9, "once at first, and once for each new key");
}

#[tokio::test]
async fn a_retired_key_counts_no_longer_and_is_no_reason_to_ask_again() {
    let database = shop().await;
    let (old, new) = (Pair::p256("old"), Pair::p256("new"));
    let jwks = Jwks::start(&[&old]).await;
    let server = follow(&jwks, &database, PACE).await;
    let bearer = format!("Bearer {}", old.token(json!({"sub": "ann"})));
    let ask = async || server.ask("GET /api/orders/1", &[("Authorization", &bearer)]).await.status;
    assert_eq!((ask().await, ask().await), (200, 200));
    jwks.show(&[&new]);
    assert_eq!(status(&server, &new).await, 200);
    assert_eq!(ask().await, 401, "it was remembered as sound");
    let asked = jwks.asked();
    assert_eq!((status(&server, &old).await, jwks.asked()), (401, asked));
}

#[tokio::test]
async fn keys_that_nobody_knows_are_asked_for_now_and_then_only() {
    let database = shop().await;
    let known = Pair::p256("known");
    let jwks = Jwks::start(&[&known]).await;
    let pace = Pace { at_most_every: Duration::from_millis(300), ..PACE };
    let server = follow(&jwks, &database, pace).await;
    assert_eq!(status(&server, &known).await, 200);
    let strangers: Vec<Pair> = (0..40).map(|n| Pair::p256(&format!("stranger {n}"))).collect();
    let statuses = join_all(strangers.iter().map(|stranger| status(&server, stranger))).await;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert!(jwks.asked() <= 4, "{}", jwks.asked());
    assert_eq!(status(&server, &known).await, 200);
}

#[tokio::test]
async fn as_long_as_keys_cannot_be_fetched_the_last_good_ones_count() {
    let database = shop().await;
    let (first, second) = (Pair::p256("first"), Pair::p256("second"));
    let jwks = Jwks::start(&[]).await;
    jwks.answer_with("500 Internal Server Error", Vec::new());
    let pace = Pace { at_most_every: Duration::from_millis(1), ..PACE };
    let server = follow(&jwks, &database, pace).await;
    let bearer = format!("Bearer {}", first.token(json!({"sub": "ann"})));
    let reply = server.ask("GET /api/orders/1", &[("Authorization", &bearer)]).await;
    reply.refused(503, "identity-unavailable");
    assert!(reply.header("retry-after").is_some() && reply.header("www-authenticate").is_none());
    server.ask("GET /api/orders/1", &[("Authorization", "Bearer a.b.c")]).await.refused(401, "invalid-token");
    jwks.show(&[&first]);
    assert_eq!(status(&server, &first).await, 200);
    let sets = |keys: serde_json::Value| json!({ "keys": keys }).to_string().into_bytes();
    let huge = [sets(json!([second.jwk])), vec![b' '; 1024 * 1024]].concat();
    for (status_line, body) in [
        ("500 Internal Server Error", sets(json!([second.jwk]))),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", Vec::new()),
        ("200 OK", b"{".to_vec()),
        ("200 OK", b"{}".to_vec()),
        ("200 OK", sets(json!([]))),
        ("200 OK", sets(json!([{"kty": "oct", "k": "c2VjcmV0", "kid": "second"}]))),
        ("200 OK", huge),
    ] {
        jwks.answer_with(status_line, body);
        assert_eq!(status(&server, &second).await, 401, "{status_line}");
        assert_eq!(status(&server, &first).await, 200, "{status_line}");
    }
    jwks.show(&[&second]);
    assert_eq!(status(&server, &second).await, 200);
    assert_eq!(status(&server, &first).await, 401);
}

#[tokio::test]
async fn keys_are_kept_fresh_without_a_request() {
    let database = shop().await;
    let (first, second) = (Pair::p256("first"), Pair::p256("second"));
    let jwks = Jwks::start(&[&first]).await;
    let pace = Pace { every: Duration::from_millis(1), at_most_every: Duration::from_millis(1) };
    let server = follow(&jwks, &database, pace).await;
    assert_eq!(status(&server, &first).await, 200);
    jwks.show(&[&second]);
    let gone = async { while status(&server, &first).await != 401 {} };
    tokio::select! {
        () = server.app.keep_keys() => unreachable!("it goes on"),
        gone = tokio::time::timeout(tests::server::PATIENCE, gone) => gone.unwrap(),
    }
}

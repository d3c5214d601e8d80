//! Clients that read and write the shop at a pace, and what became of each request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::caller::{Caller, Failed, Service};
use crate::server::Reply;
use crate::shop::{item, order};

/// What a write is.
const JSON_API: (&str, &str) = ("Content-Type", "application/vnd.api+json");

/// One request.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was sent.
    pub at: Instant,
    /// Until the answer was there.
    pub elapsed: Duration,
    /// The status, and whether it says when to come again.
    pub answer: Result<(u16, bool), Failed>,
    /// Of what is none of 2xx: its body.
    pub words: String,
}

/// Clients at work.
pub struct Load {
    over: Arc<AtomicBool>,
    clients: JoinSet<Vec<Sample>>,
}

impl Load {
    /// So many clients, each of which has an order of its own and asks at this pace: reads and writes in turn.
    pub async fn start(clients: usize, pace: Duration, service: &Service) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut load = Self { over: over.clone(), clients: JoinSet::new() };
        for number in 0..clients {
            let mut caller = Caller::new(service);
            let item = begin(&mut caller, number % 6 + 1).await;
            let over = over.clone();
            load.clients.spawn(async move {
                let (mut samples, mut tick) = (Vec::new(), tokio::time::interval(pace));
                tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                while !over.load(Ordering::Relaxed) {
                    tick.tick().await;
                    samples.push(once(&mut caller, &item, samples.len()).await);
                }
                samples
            });
        }
        load
    }

    /// Ends it: every request, in the order of their beginnings.
    pub async fn end(self) -> Vec<Sample> {
        self.over.store(true, Ordering::Relaxed);
        let mut samples: Vec<Sample> = self.clients.join_all().await.into_iter().flatten().collect();
        samples.sort_by_key(|sample| sample.at);
        samples
    }
}

impl Sample {
    /// Whether it was served.
    pub fn is_served(&self) -> bool {
        matches!(self.answer, Ok((200..300, _)))
    }
}

/// What was not served; to be empty.
pub fn failures(samples: &[Sample]) -> Vec<String> {
    let failed = samples.iter().filter(|sample| !sample.is_served());
    failed.map(|sample| format!("{:?} {}", sample.answer, sample.words)).collect()
}

/// The time that ninety-nine of a hundred take at most.
pub fn p99<'a>(samples: impl Iterator<Item = &'a Sample>) -> Duration {
    let mut times: Vec<Duration> = samples.map(|sample| sample.elapsed).collect();
    times.sort();
    times.get((times.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

/// An order with an item: the item's id.
async fn begin(caller: &mut Caller, customer: usize) -> String {
    let order = order(&customer.to_string()).json().to_string();
    let order = caller.ask("POST /api/orders", &[JSON_API], order.as_bytes()).await.unwrap();
    let item = item(&id(&order), "1", 1).json().to_string();
    id(&caller.ask("POST /api/items", &[JSON_API], item.as_bytes()).await.unwrap())
}

fn id(created: &Reply) -> String {
    assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
    created.json()["data"]["id"].as_str().unwrap().to_owned()
}

async fn once(caller: &mut Caller, item: &str, number: usize) -> Sample {
    let at = Instant::now();
    let answer = if number.is_multiple_of(2) {
        caller.ask(&format!("GET /api/items/{item}?include=order"), &[], b"").await
    } else {
        let body = format!(
            r#"{{"data": {{"type": "items", "id": "{item}", "attributes": {{"quantity": {}}}}}}}"#,
            number % 9 + 1
        );
        caller.ask(&format!("PATCH /api/items/{item}"), &[JSON_API], body.as_bytes()).await
    };
    let elapsed = at.elapsed();
    let words = answer.as_ref().map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
    let words = words.ok().filter(|_| !matches!(&answer, Ok(reply) if reply.status < 300));
    let answer = answer.map(|reply| (reply.status, reply.header("retry-after").is_some()));
    Sample { at, elapsed, answer, words: words.unwrap_or_default() }
}

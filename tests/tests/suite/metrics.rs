//! What is counted, in Prometheus' text format, as Prometheus' own tool reads it.

use std::io::Write;
use std::process::{Command, Stdio};

use tests::shop::{SHOP, item};
use tests::{Service, database::ALL};

/// `promtool check metrics`; without promtool (Debian's prometheus package) the case says so and passes.
fn promtool(metrics: &str) {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        println!("skipped: promtool is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{metrics}");
}

#[tokio::test]
async fn metrics_are_valid_before_and_after_work() {
    for dialect in ALL {
        let shop = Service::start(dialect, SHOP).await;
        promtool(&shop.metrics().render().unwrap());
        shop.get("/api/orders?include=items").await.expect(200);
        shop.post("/api/items", item("1", "1", 1)).await.expect(201);
        shop.post("/api/items", item("1", "4", 100)).await.expect(422);
        let metrics = shop.metrics().render().unwrap();
        promtool(&metrics);
        assert!(metrics.contains("rulegate_transactions_total{outcome=\"committed\"} 1"), "{metrics}");
        assert!(metrics.contains("rulegate_transactions_total{outcome=\"refused\"} 1"), "{metrics}");
    }
}

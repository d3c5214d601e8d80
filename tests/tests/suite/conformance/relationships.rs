//! "Updating Relationships".

use http::Method;
use serde_json::{Value as Json, json};
use tests::document::linkage;
use tests::on_every_database;
use tests::shop::SHOP;

const TAGS: &str = "/api/products/1/relationships/tags";

#[tokio::test]
async fn a_member_is_not_added_twice_and_one_that_is_gone_may_leave_again() {
    on_every_database(SHOP, async |shop| {
        let (both, all) =
            (linkage("tags", &["on sale/now", "tea"]), linkage("tags", &["iron", "on sale/now", "tea"]));
        for (method, sent, left) in [
            (Method::POST, linkage("tags", &["tea"]), &both),
            (Method::POST, linkage("tags", &["iron", "tea", "iron"]), &all),
            (Method::DELETE, linkage("tags", &["iron"]), &both),
            (Method::DELETE, linkage("tags", &["iron", "~ü"]), &both),
            (Method::POST, json!([]), &both),
            (Method::DELETE, json!([]), &both),
            (Method::PATCH, all.clone(), &all),
            (Method::PATCH, linkage("tags", &["tea", "on sale/now"]), &both),
            (Method::PATCH, json!([]), &json!([])),
        ] {
            shop.relate(method, TAGS, sent).await.expect(204);
            assert_eq!(shop.get(&format!("{TAGS}?sort=id")).await.expect(200)["data"], *left);
        }
    })
    .await;
}

#[tokio::test]
async fn a_replacement_is_whole_or_an_error() {
    on_every_database(SHOP, async |shop| {
        let before = shop.get(TAGS).await.expect(200);
        let sent = linkage("tags", &["iron", "nothing"]);
        shop.relate(Method::PATCH, TAGS, sent).await.refused(404, "related-not-found");
        assert_eq!(shop.get(TAGS).await.expect(200), before);
        let items = "/api/orders/1/relationships/items";
        shop.relate(Method::PATCH, items, linkage("items", &["3"]))
            .await
            .refused(403, "relationship-required");
        assert_eq!(shop.get(items).await.expect(200)["data"], linkage("items", &["1", "2"]));
    })
    .await;
}

#[tokio::test]
async fn linkage_that_is_sent_has_the_form_of_the_relationship() {
    on_every_database(SHOP, async |shop| {
        let to_one = "/api/orders/1/relationships/sales_rep";
        let one = json!({"type": "employees", "id": "1"});
        for (path, sent) in [
            (to_one, json!([one.clone()])),
            (to_one, json!([])),
            (to_one, json!("1")),
            (to_one, json!({"type": "employees"})),
            (TAGS, json!({"type": "tags", "id": "tea"})),
            (TAGS, Json::Null),
            (TAGS, json!([{"id": "tea"}])),
        ] {
            shop.relate(Method::PATCH, path, sent).await.refused(400, "malformed-document");
        }
        shop.relate(Method::PATCH, to_one, one).await.expect(204);
        shop.relate(Method::PATCH, to_one, Json::Null).await.expect(204);
        assert_eq!(shop.get(to_one).await.expect(200)["data"], Json::Null);
    })
    .await;
}

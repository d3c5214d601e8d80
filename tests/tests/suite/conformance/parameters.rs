//! "Query Parameters".

use tests::on_every_database;
use tests::shop::SHOP;

#[tokio::test]
async fn a_parameter_that_nobody_knows_is_refused_whatever_its_name() {
    on_every_database(SHOP, async |shop| {
        for name in [
            "group",
            "camelCase",
            "snake_case",
            "with-hyphen",
            "atomic:x",
            "SORT",
            "filter[_]",
            "page",
            "include[x]",
            "fields",
        ] {
            for path in
                ["/api/orders", "/api/orders/1", "/api/orders/1/items", "/api/orders/1/relationships/items"]
            {
                let refused = shop.get(&format!("{path}?{name}=1")).await;
                let error = refused.expect(400)["errors"][0].clone();
                assert_eq!(error["source"]["parameter"], name, "{path}: {error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn brackets_mean_the_same_encoded_and_bare() {
    on_every_database(SHOP, async |shop| {
        let target = "/api/orders?filter[customer.name]=Lantern+Quay&fields[orders]=notes&page[size]=1&page[total]=true";
        let encoded = target.replace('[', "%5B").replace(']', "%5d");
        let (bare, encoded) = (shop.get(target).await.expect(200), shop.get(&encoded).await.expect(200));
        for member in ["data", "meta"] {
            assert_eq!(bare[member], encoded[member]);
        }
        assert_eq!(bare["meta"]["total"], 2);
    })
    .await;
}

#[tokio::test]
async fn queries_are_read_as_forms_are() {
    on_every_database(SHOP, async |shop| {
        for (query, expect) in [
            ("filter[name]=Lantern+Quay", 1),
            ("filter[name]=Lantern%20Quay", 1),
            ("filter%5Bname%5D=%4Cantern%20Quay", 1),
            ("filter[name]=Lantern%2BQuay", 0),
            ("filter[name]=%C3%85rhus+Tea", 1),
            ("&&filter[name]=Lantern+Quay&", 1),
            ("filter[name][contains]=%26", 1),
            ("filter[name][contains]=%3D", 0),
        ] {
            let found = shop.get(&format!("/api/customers?{query}")).await.expect(200);
            assert_eq!(found["data"].as_array().unwrap().len(), expect, "{query}");
        }
    })
    .await;
}

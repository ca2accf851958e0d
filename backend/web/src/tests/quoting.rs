//! Quotes: exact, signed, and refused with the reason.

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use sordino_protocol::{
    api::{Explanation, Offer},
    canonical::Canonical,
    layout::LayoutKind,
};

use super::world::{World, price};

#[actix_web::test]
async fn a_quote_is_exact_signed_and_explained() {
    let world = World::new().await;
    let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
    let gate = world.enrol(&owner, "gate").await;
    let listing = world.publish(&owner, &gate).await;
    let offer = world.offer(&buyer, &listing).await;
    let quote = offer.quote.verify(&world.state.platform.verifying_key()).expect("signed by the platform");
    assert_eq!((quote.buyer, quote.listing, quote.dataset), (buyer.id, listing.id, listing.dataset));
    assert_eq!(quote.query, offer.query.digest().expect("a digest"));
    assert_eq!(quote.released_values, 3);
    assert_eq!(Ok(quote.price), price().of(3, quote.units.get()));
    assert_eq!(quote.noise_millis, vec![0]);
    assert!(quote.expected_ms >= 1 && quote.layout == LayoutKind::Rollup);
    assert!(offer.considered.iter().any(|c| c.layout == LayoutKind::Scan && c.units.is_none()));
    let again: Offer = world.offer(&buyer, &listing).await;
    assert_ne!(again.quote.body.id, quote.id);
    assert_eq!(again.quote.body.price, quote.price);
}

#[actix_web::test]
async fn questions_that_cannot_be_answered_are_refused_by_name() {
    let world = World::new().await;
    let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
    let gate = world.enrol(&owner, "gate").await;
    let listing = world.publish(&owner, &gate).await;
    for (sql, code, word) in [
        ("SELEC COUNT(*) FROM german_credit", "sql_syntax", "SELEC"),
        ("SELECT COUNT(*) FROM german_credit WHERE houssing = 'own'", "unknown_column", "housing"),
        ("SELECT COUNT(*) FROM german_credit WHERE age_in_years = 'old'", "type_mismatch", "age_in_years"),
        ("SELECT housing FROM german_credit", "sql_unsupported", ""),
        ("EXPLAIN SELECT COUNT(*) FROM german_credit", "sql_unsupported", "free"),
        ("DROP TABLE german_credit", "sql_unsupported", ""),
        (
            "SELECT age_in_years, housing, COUNT(*) FROM german_credit GROUP BY age_in_years, housing",
            "policy_refused",
            "171",
        ),
    ] {
        let reply = world.ask(&buyer, &listing, sql).await;
        assert_eq!(reply.code(), code, "{sql}: {}", reply.text());
        assert!(reply.text().contains(word), "{sql}: {}", reply.text());
        assert!(reply.text().contains("\"retryable\":false"));
    }
    let forced =
        json!({"listing": listing.id, "sql": "SELECT COUNT(*) FROM german_credit", "layout": "scan"});
    let reply = world.post("/v1/quotes", &buyer.token, &forced).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "no_plan"));
    let long = format!("SELECT COUNT(*) FROM german_credit WHERE housing IN ('{}')", "x".repeat(20_000));
    assert_eq!(world.ask(&buyer, &listing, &long).await.code(), "too_large");
    let nobody = json!({"listing": "lst_00000000000000000000000000000000", "sql": "SELECT 1"});
    assert_eq!(world.post("/v1/quotes", &buyer.token, &nobody).await.code(), "not_found");
    assert_eq!(world.post("/v1/quotes", "", &forced).await.code(), "unauthenticated");
    assert_eq!(world.post("/v1/quotes", &gate.secret, &forced).await.code(), "forbidden");
}

#[actix_web::test]
async fn a_query_as_it_is_costs_what_its_sql_costs() {
    let world = World::new().await;
    let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
    let gate = world.enrol(&owner, "gate").await;
    let listing = world.publish(&owner, &gate).await;
    let offer = world.offer(&buyer, &listing).await;
    let asked = json!({"listing": listing.id, "query": offer.query});
    let again: Offer = world.post("/v1/quotes", &buyer.token, &asked).await.json();
    assert_eq!(again.query, offer.query);
    assert_eq!(again.quote.body.price, offer.quote.body.price);
    assert_eq!(again.quote.body.program, offer.quote.body.program);
    let names = again.presentation.columns.iter().map(|column| &column.name);
    assert!(names.eq(offer.query.outputs.iter().map(|output| &output.name)), "shown as it is answered");
    let explanation: Explanation = world.post("/v1/explanations", &buyer.token, &asked).await.json();
    assert_eq!((explanation.query, explanation.price), (offer.query, offer.quote.body.price));
}

#[actix_web::test]
async fn hostile_queries_are_refused_with_a_reason() {
    let world = World::new().await;
    let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
    let gate = world.enrol(&owner, "gate").await;
    let listing = world.publish(&owner, &gate).await;
    let count = json!([{"name": "n", "expression": {"count": "all"}}]);
    let query = |outputs: &Value, predicate: &Value, groups: &Value| {
        json!({"listing": listing.id, "query": {
            "dataset": listing.dataset, "outputs": outputs, "predicate": predicate, "groups": groups,
        }})
    };
    let (all, none) = (json!("all"), json!([]));
    let atom = |column: u16, low: u32, high: u32| json!({"in": {"column": column, "codes": [[low, high]]}});
    let mut deep = atom(0, 0, 1);
    for _ in 0..40 {
        deep = json!({"and": [deep, {"or": [atom(0, 0, 1), atom(1, 0, 1)]}]});
    }
    let many: Vec<Value> = (0..5_000).map(|_| atom(0, 0, 1)).collect();
    let class = |index: u32, when: Value| json!({"label": index.to_string(), "when": when});
    let classes = |classes: Vec<Value>| json!([{"classes": {"kind": "integer", "classes": classes}}]);
    let comb = |first: u32| {
        let teeth: Vec<Value> =
            (0..2_000).map(|tooth| json!([first + 4 * tooth, first + 4 * tooth + 1])).collect();
        json!({"in": {"column": 0, "codes": teeth}})
    };
    let compared = classes(vec![class(0, comb(0)), class(1, comb(2))]);
    let by_many = json!([compared[0], {"codes": 2}]);
    let overlapping = classes((0..65).map(|index| class(index, all.clone())).collect());
    let branches: Vec<Value> =
        (0..250).map(|_| json!({"when": {"and": many[..10]}, "monomials": []})).collect();
    let sum = json!([{"name": "s", "expression": {"sum": {"scale": 0, "branches": branches}}}]);
    let hidden = json!([{"name": "\u{1b}[2J", "expression": {"count": "all"}}]);
    let sql = |body: &Value| {
        let mut body = body.clone();
        body["sql"] = json!("SELECT COUNT(*) FROM german_credit");
        body
    };
    let plain = query(&count, &all, &none);
    let mut other = plain.clone();
    other["query"]["dataset"] = json!("00".repeat(32));
    for (what, body, code, word) in [
        ("SQL and a query", sql(&plain), "malformed", "exactly one"),
        ("neither", json!({"listing": listing.id}), "malformed", "exactly one"),
        ("of another version", other, "conflict", "current version"),
        ("a column there is not", query(&count, &atom(99, 0, 1), &none), "malformed", "column 99"),
        ("a group there is not", query(&count, &all, &json!([{"codes": 99}])), "malformed", "column 99"),
        ("a code there is not", query(&count, &atom(0, 0, 4_000_000_000), &none), "malformed", "normal form"),
        ("deep nesting", query(&count, &deep, &none), "malformed", ""),
        ("many parts", query(&count, &json!({"or": many}), &none), "too_large", "parts"),
        ("classes to compare", query(&count, &all, &by_many), "too_large", "compared"),
        ("overlapping classes", query(&count, &all, &overlapping), "too_large", "overlap"),
        ("many cases", query(&sum, &all, &none), "too_large", "parts"),
        ("control characters", query(&hidden, &all, &none), "malformed", "control characters"),
    ] {
        let started = std::time::Instant::now();
        for path in ["/v1/quotes", "/v1/explanations"] {
            let reply = world.post(path, &buyer.token, &body).await;
            assert_eq!(reply.code(), code, "{what}: {}", reply.text());
            assert!(reply.text().contains(word), "{what}: {}", reply.text());
        }
        assert!(started.elapsed().as_secs() < 5, "{what}");
    }
}

#[actix_web::test]
async fn an_explanation_is_free_and_says_the_same_as_a_quote() {
    let world = World::new().await;
    let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
    let gate = world.enrol(&owner, "gate").await;
    let listing = world.publish(&owner, &gate).await;
    let sql = "SELECT housing, COUNT(*) AS n FROM german_credit GROUP BY housing HAVING COUNT(*) > 20";
    let explain = |sql: &str| json!({"listing": listing.id, "sql": sql});
    let reply = world.post("/v1/explanations", &buyer.token, &explain(&format!("EXPLAIN {sql}"))).await;
    let explanation: Explanation = reply.json();
    let offer: Offer = world.ask(&buyer, &listing, sql).await.json();
    assert_eq!((&explanation.query, &explanation.presentation), (&offer.query, &offer.presentation));
    let quote = &offer.quote.body;
    assert_eq!((explanation.price, explanation.operations), (quote.price, quote.operations));
    assert_eq!(explanation.released_values, quote.released_values);
    assert!(!explanation.text.is_empty());
    let wrong = explain("SELECT COUNT(*) FROM german_credit WHERE houssing = 'own'");
    assert_eq!(world.post("/v1/explanations", &buyer.token, &wrong).await.code(), "unknown_column");
    assert_eq!(world.post("/v1/explanations", "", &wrong).await.code(), "unauthenticated");
    assert_eq!(world.post("/v1/explanations", &gate.secret, &wrong).await.code(), "forbidden");
}

#[actix_web::test]
async fn quotes_and_explanations_are_limited_by_account() {
    let world = World::with(|settings| settings.limits.quotes_per_minute = 2).await;
    let (ada, bob) = (world.register("ada").await, world.register("bob").await);
    let body = json!({"listing": "lst_00000000000000000000000000000000", "sql": "SELECT 1"});
    for route in ["/v1/quotes", "/v1/explanations"] {
        assert_eq!(world.post(route, &ada.token, &body).await.code(), "not_found");
    }
    assert_eq!(world.post("/v1/quotes", &ada.token, &body).await.code(), "rate_limited");
    assert_eq!(world.post("/v1/quotes", &bob.token, &body).await.code(), "not_found");
}

//! Models for sale over HTTP: what is refused, and that no weight is ever told.

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use sordino_protocol::api::models::{ModelListing, ModelListings};

use super::world::{Person, World};

/// A weight that nothing else contains.
pub(super) const WEIGHT: i64 = 313_131;
/// Where the model's one split is.
const SPLIT: &str = "[[4,10]]";

fn schema() -> Value {
    json!({
        "table": "people",
        "column": [{ "name": "age", "dimension": { "kind": "integer", "min": 0, "max": 9 } }],
    })
}

/// A sum over the codes of one column.
pub(super) fn sums() -> Value {
    let weights: Vec<i64> = (0..10).map(|code| if code == 7 { WEIGHT } else { code }).collect();
    json!({
        "format": "sordino-integer-model/1",
        "shape": { "scores": [{ "intercept": 5, "terms": [{ "codes": { "column": 0, "weights": weights } }] }] },
        "link": "sigmoid",
        "classes": ["no", "yes"],
        "fraction_bits": 3,
        "bounds": [[5, WEIGHT + 5]],
    })
}

pub(super) fn offer(model: &Value) -> Value {
    json!({
        "title": "Who pays back",
        "schema": schema(),
        "encoding": "edges",
        "serving": "both",
        "price": 3,
        "currency": "EUR",
        "quota": { "samples_per_request": 10, "samples_per_day": 20 },
        "model": model,
    })
}

pub(super) async fn published(world: &World, vendor: &Person) -> ModelListing {
    world.post("/v1/models", &vendor.token, &offer(&sums())).await.json()
}

#[actix_web::test]
async fn a_model_is_offered_once_shown_to_anyone_and_withdrawn_by_its_vendor() {
    let world = World::new().await;
    let (vendor, other) = (world.register("vendor").await, world.register("other").await);
    let listing = published(&world, &vendor).await;
    assert_eq!(published(&world, &vendor).await, listing, "repeated it is the same");
    let shown: ModelListing = world.get(&format!("/v1/models/{}", listing.id), "").await.json();
    assert_eq!(shown, listing);
    let models: ModelListings = world.get("/v1/models", "").await.json();
    assert_eq!(models.models.as_slice(), std::slice::from_ref(&listing));
    assert!(listing.forms[1].input_bytes < listing.forms[0].input_bytes);
    assert!(listing.forms.iter().all(|form| form.key_bytes > 0 && form.input_bytes > 0));
    assert!(listing.forms[0].reveals.contains("nothing but the schema"), "{}", listing.forms[0].reveals);

    let withdraw = format!("/v1/models/{}/withdraw", listing.id);
    assert_eq!(world.post(&withdraw, &other.token, &json!({})).await.code(), "not_found");
    assert_eq!(world.post(&withdraw, "", &json!({})).await.code(), "unauthenticated");
    assert!(world.post(&withdraw, &vendor.token, &json!({})).await.status.is_success());
    let models: ModelListings = world.get("/v1/models", "").await.json();
    assert!(models.models.is_empty());
}

#[actix_web::test]
async fn no_public_response_holds_a_weight() {
    let world = World::new().await;
    let vendor = world.register("vendor").await;
    let published = world.post("/v1/models", &vendor.token, &offer(&sums())).await;
    let listing: ModelListing = published.json();
    let shown = world.get(&format!("/v1/models/{}", listing.id), "").await;
    let listed = world.get("/v1/models", "").await;
    for reply in [&published, &shown, &listed] {
        let text = reply.text();
        assert!(!text.contains(&WEIGHT.to_string()), "{text}");
        for word in ["weights", "intercept", "bounds", "evaluation", "artefact", "constant"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
    let tree = json!({
        "format": "sordino-integer-model/1",
        "shape": { "trees": { "base": [0], "trees": [{ "score": 0, "nodes": [
            { "split": { "column": 0, "codes": [[4, 10]], "left": 1, "right": 2 } },
            { "leaf": [WEIGHT] }, { "leaf": [1] },
        ] }] } },
        "link": "identity",
        "fraction_bits": 0,
        "bounds": [[1, WEIGHT]],
    });
    let edges = world.post("/v1/models", &vendor.token, &offer(&tree)).await;
    assert!(edges.status.is_success(), "{}", edges.text());
    let told: Value = serde_json::from_slice(&edges.body).expect("JSON");
    let batch = told["forms"][0].to_string();
    assert!(!batch.contains(SPLIT) && !edges.text().contains(&WEIGHT.to_string()), "{batch}");
    let others = world.register("others").await;
    let artefact = format!("/v1/objects/{}", listing.model);
    assert_eq!(world.get(&artefact, &others.token).await.code(), "not_found");
}

#[actix_web::test]
async fn hostile_offers_are_refused_with_the_reason() {
    let world = World::with(|settings| settings.limits.model_bytes = 20_000).await;
    let vendor = world.register("vendor").await;
    let changed = |change: fn(&mut Value)| {
        let mut body = offer(&sums());
        change(&mut body);
        body
    };
    for (body, code, word) in [
        (changed(|b| b["title"] = json!("")), "malformed", "title"),
        (changed(|b| b["price"] = json!(-1)), "malformed", "below zero"),
        (changed(|b| b["currency"] = json!("USD")), "malformed", "USD"),
        (changed(|b| b["quota"]["samples_per_request"] = json!(0)), "malformed", "quota"),
        (changed(|b| b["quota"]["samples_per_day"] = json!(1)), "malformed", "quota"),
        (changed(|b| b["surprise"] = json!(1)), "malformed", "surprise"),
        (
            changed(|b| b["model"]["shape"] = json!({"scores": [{"intercept": 0.5, "terms": []}]})),
            "malformed",
            "",
        ),
        (changed(|b| b["schema"]["column"][0]["dimension"]["max"] = json!(-5)), "malformed", "schema"),
        (
            changed(|b| b["model"]["shape"]["scores"][0]["terms"][0]["codes"]["weights"] = json!([1, 2])),
            "model_unsupported",
            "weight for each code",
        ),
        (
            changed(|b| b["model"]["shape"]["scores"][0]["terms"][0]["codes"]["column"] = json!(7)),
            "model_unsupported",
            "column 7",
        ),
        (
            changed(|b| b["model"]["shape"] = json!({"network": {"first": [], "layers": []}})),
            "model_unsupported",
            "bounds",
        ),
        (
            changed(|b| {
                let layer = json!({"tables": [], "units": []});
                b["model"]["shape"] = json!({"network": {"first": [], "layers": [layer, layer]}});
            }),
            "model_unsupported",
            "2 hidden layers",
        ),
        (changed(|b| b["description"] = json!("x".repeat(30_000))), "too_large", "20000"),
    ] {
        let reply = world.post("/v1/models", &vendor.token, &body).await;
        assert!(reply.status.is_client_error(), "{word}: {}", reply.text());
        assert_eq!(reply.code(), code, "{}", reply.text());
        assert!(reply.text().contains(word), "{word}: {}", reply.text());
    }
    assert_eq!(world.post("/v1/models", "", &offer(&sums())).await.code(), "unauthenticated");
    let missing = world.get("/v1/models/mdl_00000000000000000000000000000000", "").await;
    assert_eq!((missing.status, missing.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(world.get("/v1/models/lst_1", "").await.code(), "malformed");
}

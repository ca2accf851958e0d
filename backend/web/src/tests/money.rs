//! Balances, statements and top-ups.

use serde_json::json;
use sordino_protocol::{
    api::{Balance, LedgerKind, Statement},
    ids::AccountId,
    money::Amount,
};
use uuid::Uuid;

use super::world::World;

#[actix_web::test]
async fn an_operator_credits_once_for_each_key() {
    let world = World::new().await;
    let (operator, ada) = (world.operator().await, world.register("ada").await);
    let body = json!({"account": ada.id, "amount": 1_000, "memo": "invoice 7"});
    for _ in 0..2 {
        let balance: Balance = world.keyed("/v1/top-ups", &operator.token, "k1", &body).await.json();
        assert_eq!((balance.account, balance.prepaid), (ada.id, Amount::minor(1_000)));
    }
    let balance: Balance = world.get("/v1/balance", &ada.token).await.json();
    assert_eq!(
        (balance.prepaid, balance.held, balance.payable),
        (Amount::minor(1_000), Amount::ZERO, Amount::ZERO)
    );
    let statement: Statement = world.get("/v1/ledger", &ada.token).await.json();
    assert_eq!(statement.entries.len(), 1);
    assert_eq!(
        (statement.entries[0].ledger, statement.entries[0].memo.as_str()),
        (LedgerKind::BuyerPrepaid, "invoice 7")
    );
    assert!(world.get("/v1/ledger", &operator.token).await.json::<Statement>().entries.is_empty());

    let other = json!({"account": ada.id, "amount": 2_000, "memo": "invoice 7"});
    assert_eq!(
        world.keyed("/v1/top-ups", &operator.token, "k1", &other).await.code(),
        "idempotency_mismatch"
    );
    assert_eq!(world.post("/v1/top-ups", &operator.token, &body).await.code(), "idempotency_key_missing");
    assert_eq!(world.keyed("/v1/top-ups", &operator.token, "a b", &body).await.code(), "malformed");
    assert_eq!(world.keyed("/v1/top-ups", &ada.token, "k2", &body).await.code(), "forbidden");
    for amount in [0, -5] {
        let body = json!({"account": ada.id, "amount": amount});
        assert_eq!(world.keyed("/v1/top-ups", &operator.token, "k3", &body).await.code(), "malformed");
    }
    let nobody = json!({"account": AccountId::new(Uuid::nil()), "amount": 5});
    assert_eq!(world.keyed("/v1/top-ups", &operator.token, "k4", &nobody).await.code(), "not_found");
}

//! Accounts, keys for programs and gates.

use sordino_protocol::{
    api::{Role, Scope},
    ids::{AccountId, ApiKeyId},
};

use super::{on_each, world::*};
use crate::{StorageError, accounts::NewAccount, api_keys::NewApiKey, gates::NewGate};

#[test]
fn one_address_is_one_account() {
    on_each(|db| async move {
        let storage = &db.storage;
        let ada = account(storage, "ada@example.org", Role::Member).await;
        assert_eq!(storage.accounts().get(ada.id).await.expect("found"), ada);
        let again = NewAccount {
            id: AccountId::new(id()),
            email: "ADA@example.org".parse().expect("an address"),
            password: sordino_domain::accounts::PasswordHash::new("other".to_owned()),
            role: Role::Member,
        };
        let refused = error(storage.accounts().create(again, at(1)).await);
        assert!(matches!(refused, StorageError::Conflict { kind: "account", .. }), "{refused:?}");
        let login = storage.accounts().find_login(&ada.email).await.expect("no error").expect("found");
        assert_eq!((login.account, login.password.as_str()), (ada.clone(), "hash"));
        let nobody = "nobody@example.org".parse().expect("an address");
        assert!(storage.accounts().find_login(&nobody).await.expect("no error").is_none());
        let made = storage.accounts().set_role(ada.id, Role::Operator).await.expect("found");
        assert_eq!(made.role, Role::Operator);
    });
}

#[test]
fn the_first_key_stays() {
    on_each(|db| async move {
        let accounts = db.storage.accounts();
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        for _ in 0..2 {
            let ada = accounts.register_key(ada.id, key(1).verifying_key()).await.expect("the same key");
            assert_eq!(ada.key, Some(key(1).verifying_key()));
        }
        let refused = error(accounts.register_key(ada.id, key(2).verifying_key()).await);
        assert!(matches!(refused, StorageError::Conflict { .. }), "{refused:?}");
        let unknown = accounts.register_key(AccountId::new(id()), key(1).verifying_key()).await;
        assert!(matches!(error(unknown), StorageError::NotFound { kind: "account", .. }));
    });
}

#[test]
fn keys_speak_for_their_account_until_revoked() {
    on_each(|db| async move {
        let keys = db.storage.api_keys();
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let bob = account(&db.storage, "bob@example.org", Role::Member).await;
        let shown = secret();
        let new = NewApiKey {
            id: ApiKeyId::new(id()),
            name: "ci".to_owned(),
            scope: Scope::Buy,
            secret: shown.clone(),
        };
        let made = keys.create(ada.id, new.clone(), at(0)).await.expect("made");
        assert_eq!(keys.list(ada.id).await.expect("no error"), std::slice::from_ref(&made));
        assert_eq!(keys.list(bob.id).await.expect("no error"), []);
        let principal = keys.authenticate(&shown).await.expect("no error").expect("in force");
        assert_eq!((principal.account, principal.scope, principal.gate), (ada.id, Scope::Buy, None));
        assert!(keys.authenticate(&secret()).await.expect("no error").is_none());
        assert!(matches!(error(keys.revoke(bob.id, made.id, at(1)).await), StorageError::NotFound { .. }));
        keys.revoke(ada.id, made.id, at(1)).await.expect("revoked");
        assert!(keys.authenticate(&shown).await.expect("no error").is_none());
        assert_eq!(keys.list(ada.id).await.expect("no error"), []);
        let gate = NewApiKey { scope: Scope::Gate, ..new };
        assert!(matches!(error(keys.create(ada.id, gate, at(0)).await), StorageError::Conflict { .. }));
    });
}

#[test]
fn a_gate_enrolled_again_is_the_same_with_another_secret() {
    on_each(|db| async move {
        let (gates, keys) = (db.storage.gates(), db.storage.api_keys());
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let bob = account(&db.storage, "bob@example.org", Role::Member).await;
        let (first, second): (NewGate, NewGate) = (new_gate(2), new_gate(2));
        let gate = gates.enrol(ada.id, first.clone(), at(0)).await.expect("enrolled");
        assert_eq!(gates.enrol(ada.id, second.clone(), at(1)).await.expect("the same"), gate);
        assert!(keys.authenticate(&first.secret).await.expect("no error").is_none());
        let principal = keys.authenticate(&second.secret).await.expect("no error").expect("in force");
        assert_eq!((principal.account, principal.gate), (ada.id, Some(gate.id)));
        let refused = error(gates.enrol(bob.id, new_gate(2), at(2)).await);
        assert!(matches!(refused, StorageError::Conflict { kind: "gate", .. }), "{refused:?}");
        assert_eq!(gates.get(ada.id, gate.id).await.expect("found"), gate);
        assert!(matches!(error(gates.get(bob.id, gate.id).await), StorageError::NotFound { .. }));
    });
}

#[test]
fn what_is_pinned_stays() {
    on_each(|db| async move {
        assert_eq!(db.storage.meta().pin("key", "a", at(0)).await.expect("stored"), "a");
        assert_eq!(db.storage.meta().pin("key", "b", at(1)).await.expect("there"), "a");
        db.storage.ping().await.expect("answers");
    });
}

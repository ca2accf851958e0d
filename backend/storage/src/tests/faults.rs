//! Databases that are locked, gone or damaged.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use sordino_protocol::api::Role;

use super::{TestDb, on_each, world::*};
use crate::{DatabaseConfig, Storage, StorageError};

/// Another process that holds the write lock, or the lock on the table, for a while.
async fn lock_for(db: &TestDb, table: &str, time: Duration) -> tokio::task::JoinHandle<()> {
    let begin = if db.is_sqlite() {
        "begin immediate".to_owned()
    } else {
        format!("begin; lock table {table} in access exclusive mode")
    };
    // One session from begin to commit.
    let mut one = sea_orm::ConnectOptions::new(&db.config.url);
    one.max_connections(1).sqlx_logging(false);
    let (held, wait) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let connection = sea_orm::Database::connect(one).await.expect("connected");
        connection.execute_unprepared(&begin).await.expect("locked");
        held.send(()).expect("somebody waits");
        tokio::time::sleep(time).await;
        connection.execute_unprepared("commit").await.expect("unlocked");
    });
    wait.await.expect("locked");
    task
}

async fn impatient(db: &TestDb, patience: Duration) -> Storage {
    let config = DatabaseConfig { busy_timeout: patience, ..db.config.clone() };
    Storage::connect(&config, db.storage.object_store()).await.expect("connected")
}

#[test]
fn a_short_lock_is_survived_and_a_long_one_told() {
    on_each(|db| async move {
        account(&db.storage, "before@example.org", Role::Member).await;
        let patient = lock_for(&db, "accounts", Duration::from_millis(1_500)).await;
        account(&db.storage, "during@example.org", Role::Member).await;
        patient.await.expect("ended");

        let impatient = impatient(&db, Duration::from_millis(20)).await;
        let longer = lock_for(&db, "accounts", Duration::from_secs(4)).await;
        let new = crate::accounts::NewAccount {
            id: sordino_protocol::ids::AccountId::new(id()),
            email: "late@example.org".parse().expect("an address"),
            password: sordino_domain::accounts::PasswordHash::new("hash".to_owned()),
            role: Role::Member,
        };
        let busy = error(impatient.accounts().create(new.clone(), at(1)).await);
        assert!(matches!(busy, StorageError::Busy { attempts: 5 }), "{busy:?}");
        assert!(busy.is_retryable());
        longer.await.expect("ended");
        impatient.accounts().create(new, at(1)).await.expect("free again");
    });
}

#[test]
fn many_writers_at_once_all_succeed() {
    on_each(|db| async move {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..4 {
            let storage = db.again().await;
            tasks.spawn(async move {
                for each in 0..10 {
                    account(&storage, &format!("a{number}.{each}@example.org"), Role::Member).await;
                }
            });
        }
        tasks.join_all().await;
    });
}

#[test]
fn sqlite_is_set_up_to_lose_nothing() {
    on_each(|db| async move {
        if !db.is_sqlite() {
            return;
        }
        for connection in [db.storage.writer(), db.storage.reader()] {
            for (pragma, expected) in [("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5_000)] {
                let sql = Statement::from_string(DatabaseBackend::Sqlite, format!("pragma {pragma}"));
                let row = connection.query_one_raw(sql).await.expect("an answer").expect("a row");
                assert_eq!(row.try_get_by_index::<i64>(0).expect("a number"), expected, "{pragma}");
            }
            let sql = Statement::from_string(DatabaseBackend::Sqlite, "pragma journal_mode");
            let row = connection.query_one_raw(sql).await.expect("an answer").expect("a row");
            assert_eq!(row.try_get_by_index::<String>(0).expect("a word"), "wal");
        }
    });
}

#[test]
fn a_row_that_cannot_be_is_named() {
    on_each(|db| async move {
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let spoil = "update accounts set email = 'no address'";
        db.storage.writer().execute_unprepared(spoil).await.expect("spoilt");
        let bad = error(db.storage.accounts().get(ada.id).await);
        let expected = ada.id.to_string();
        assert!(
            matches!(&bad, StorageError::BadRow { table: "accounts", column: "email", id } if *id == expected),
            "{bad:?}"
        );
        assert!(!bad.to_string().contains("no address"));
    });
}

#[test]
fn a_database_that_is_not_there_is_told() {
    on_each(|db| async move {
        let store = db.storage.object_store();
        for (url, known) in [
            ("sqlite:///nowhere/at/all.sqlite", true),
            ("postgres://nobody@127.0.0.1:1/none", true),
            ("sqlite::memory:", false),
            ("mysql://localhost/x", false),
        ] {
            let config = DatabaseConfig {
                url: url.to_owned(),
                acquire_timeout: Duration::from_millis(300),
                ..DatabaseConfig::default()
            };
            let refused = error(Storage::connect(&config, store.clone()).await);
            assert_eq!(
                matches!(refused, StorageError::UnsupportedDatabase { .. }),
                !known,
                "{url}: {refused:?}"
            );
            assert!(!format!("{config:?}").contains("nobody"));
        }
    });
}

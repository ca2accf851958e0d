//! The schema of the database and its changes, the same on SQLite and PostgreSQL. How to change it is in
//! the README beside this crate. Knows nothing of the rest of the platform.

mod dialect;
mod m0001_accounts;
mod m0002_catalogue;
mod m0003_jobs;
mod m0004_ledger;
mod m0005_outbox;
mod m0006_presentations;
mod m0007_models;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Applies the migrations that a database lacks.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_catalogue::Migration),
            Box::new(m0003_jobs::Migration),
            Box::new(m0004_ledger::Migration),
            Box::new(m0005_outbox::Migration),
            Box::new(m0006_presentations::Migration),
            Box::new(m0007_models::Migration),
        ]
    }
}

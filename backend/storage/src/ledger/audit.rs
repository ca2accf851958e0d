//! Recounting the ledger: everything that constraints cannot state is checked against the entries.

use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, Statement};

use super::Ledger;
use crate::{
    error::StorageError,
    rows::{holds, ledger_entries, ledger_transactions},
};

/// What a recount found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Transactions counted.
    pub transactions: u64,
    /// Entries counted.
    pub entries: u64,
    /// Holds counted.
    pub holds: u64,
    /// What is wrong; nothing in a sound ledger.
    pub findings: Vec<Finding>,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub what: &'static str,
    /// Which.
    pub id: String,
}

impl Audit {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// What must not be, and the statement that finds it: each row's first column says where.
const CHECKS: [(&str, &str); 9] = [
    (
        "a transaction does not add up to zero",
        "select transaction_id as id from ledger_entries group by transaction_id, currency having sum(amount) <> 0",
    ),
    (
        "a transaction has no entries",
        "select t.id as id from ledger_transactions t
         where not exists (select 1 from ledger_entries e where e.transaction_id = t.id)",
    ),
    (
        "a balance is not the sum of its entries",
        "select b.holder || ' ' || b.kind || ' ' || b.currency as id from balances b
         where b.amount <> coalesce((select sum(e.amount) from ledger_entries e
           where e.holder = b.holder and e.kind = b.kind and e.currency = b.currency), 0)",
    ),
    (
        "entries have no balance",
        "select distinct e.holder || ' ' || e.kind || ' ' || e.currency as id from ledger_entries e
         where not exists (select 1 from balances b
           where b.holder = e.holder and b.kind = e.kind and b.currency = e.currency)",
    ),
    (
        "a job has no hold",
        "select j.id as id from jobs j where not exists (select 1 from holds h where h.job = j.id)",
    ),
    (
        "a hold does not fit its job's state",
        "select h.id as id from holds h join jobs j on j.id = h.job
         where h.state <> case when j.state = 'released' then 'captured'
           when j.state in ('refused', 'failed', 'cancelled', 'expired') then 'voided' else 'held' end",
    ),
    (
        "what is set aside for a job is not what its hold says",
        "select h.id as id from holds h
         where case when h.state = 'held' then h.amount else 0 end <> coalesce((
           select sum(e.amount) from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
           where t.job = h.job and e.kind = 'buyer_hold'), 0)",
    ),
    (
        "what was sold is not what was captured",
        "select j.id as id from jobs j left join usage_records u on u.job = j.id
         where (j.state = 'released') <> (u.job is not null)
           or (u.job is not null and (u.price <> j.price or u.price <> coalesce((
             select sum(e.amount) from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
             where t.job = j.id and e.kind in ('owner_payable', 'platform_revenue')), 0)))",
    ),
    (
        "what predictions cost is not what was paid",
        "select p.id as id from predictions p where p.price <> coalesce((
           select -sum(e.amount) from ledger_entries e where e.transaction_id = p.payment
             and e.kind = 'buyer_prepaid' and e.holder = p.client and e.currency = p.currency), 0)",
    ),
];

impl Ledger<'_> {
    /// Recounts the whole ledger, as of one moment.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit(self) -> Result<Audit, StorageError> {
        let tx = self.0.snapshot().await?;
        let mut findings = Vec::new();
        for (what, sql) in CHECKS {
            findings.extend(find(&tx, what, sql).await?);
        }
        let audit = Audit {
            transactions: ledger_transactions::Entity::find().count(&tx).await?,
            entries: ledger_entries::Entity::find().count(&tx).await?,
            holds: holds::Entity::find().count(&tx).await?,
            findings,
        };
        tx.rollback().await?;
        Ok(audit)
    }
}

async fn find(
    tx: &DatabaseTransaction,
    what: &'static str,
    sql: &'static str,
) -> Result<Vec<Finding>, StorageError> {
    let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
    rows.iter().map(|row| Ok(Finding { what, id: row.try_get("", "id")? })).collect()
}

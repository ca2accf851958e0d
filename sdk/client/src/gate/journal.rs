//! The gate's journal: SQLite with write-ahead log and full synchronisation, so that what was
//! persisted before sending is there after a power cut. One process at a time uses it.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use sordino_protocol::{
    digest::Digest,
    ids::{AccountId, JobId, LineageId, ReleaseId},
    policy::Epsilon,
    receipt::Outcome,
    release::ReleaseDecision,
    signature::VerifyingKey,
};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use zeroize::Zeroizing;

use super::GateError;

/// The journal.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    pool: SqlitePool,
}

/// What a release is about.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) release: ReleaseId,
    pub(super) job: JobId,
    pub(super) buyer: AccountId,
    pub(super) buyer_key: VerifyingKey,
    pub(super) lineage: LineageId,
    pub(super) dataset: Digest,
    pub(super) query: Digest,
    pub(super) policy: Digest,
}

/// What is persisted about one decision, all in one transaction.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) release: ReleaseId,
    pub(super) decision: &'a ReleaseDecision,
    /// Only of verified requests: nothing is learned from a false one.
    pub(super) subject: Option<&'a Subject>,
    /// The noised answer, when it is a new one.
    pub(super) answer: Option<&'a [u8]>,
    pub(super) epsilon: Epsilon,
}

/// Whether epsilon could be reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reserved {
    Yes,
    Exhausted { spent: Epsilon, budget: Epsilon },
}

impl Journal {
    /// Opens or makes the journal. Reservations left by a crash are void: whatever was not persisted
    /// has not left the gate.
    pub(super) async fn open(path: &Path) -> Result<Self, GateError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(std::time::Duration::from_secs(30));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        sqlx::raw_sql(include_str!("journal.sql")).execute(&pool).await?;
        sqlx::query("UPDATE epsilon SET state = 'void' WHERE state = 'reserved'").execute(&pool).await?;
        Ok(Self { pool })
    }

    /// The decision about a release, if there is one.
    pub(super) async fn decision(&self, release: ReleaseId) -> Result<Option<ReleaseDecision>, GateError> {
        let row = sqlx::query("SELECT decision FROM releases WHERE release = ?")
            .bind(release.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| parse(&release.to_string(), row.try_get("decision")?)).transpose()
    }

    /// Decisions that were not confirmed by the platform, oldest first.
    pub(super) async fn undelivered(&self) -> Result<Vec<ReleaseDecision>, GateError> {
        let rows = sqlx::query(
            "SELECT release, decision FROM releases WHERE delivered = 0 ORDER BY decided_at, release",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| parse(row.try_get("release")?, row.try_get("decision")?)).collect()
    }

    /// The platform has confirmed a decision.
    pub(super) async fn delivered(&self, release: ReleaseId) -> Result<(), GateError> {
        sqlx::query("UPDATE releases SET delivered = 1 WHERE release = ?")
            .bind(release.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The key a buyer used first.
    pub(super) async fn buyer_key(&self, buyer: AccountId) -> Result<Option<VerifyingKey>, GateError> {
        let row = sqlx::query("SELECT key FROM buyers WHERE buyer = ?")
            .bind(buyer.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            let text: String = row.try_get("key")?;
            text.parse().map_err(|error: sordino_protocol::signature::SignatureError| GateError::JournalRow {
                release: format!("of buyer {buyer}"),
                reason: error.to_string(),
            })
        })
        .transpose()
    }

    /// The noised answer that was given to the same question under the same policy.
    pub(super) async fn answer(&self, subject: &Subject) -> Result<Option<Zeroizing<Vec<u8>>>, GateError> {
        let row = sqlx::query("SELECT answer FROM answers WHERE dataset = ? AND query = ? AND policy = ?")
            .bind(subject.dataset.to_string())
            .bind(subject.query.to_string())
            .bind(subject.policy.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("answer").map(Zeroizing::new)).transpose()?)
    }

    /// Reserves epsilon for a release, if the lineage's budget has it. Costs nothing without noise.
    pub(super) async fn reserve(
        &self,
        subject: &Subject,
        cost: Epsilon,
        budget: Option<Epsilon>,
        at: DateTime<Utc>,
    ) -> Result<Reserved, GateError> {
        if cost == Epsilon::ZERO {
            return Ok(Reserved::Yes);
        }
        let budget = budget.unwrap_or_default();
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(
            "SELECT COALESCE(SUM(amount), 0) AS spent FROM epsilon \
             WHERE lineage = ? AND state IN ('reserved', 'posted')",
        )
        .bind(subject.lineage.to_string())
        .fetch_one(&mut *tx)
        .await?;
        let spent: i64 = row.try_get("spent")?;
        let spent = Epsilon::millionths(spent.unsigned_abs());
        if spent.as_millionths().saturating_add(cost.as_millionths()) > budget.as_millionths() {
            return Ok(Reserved::Exhausted { spent, budget });
        }
        sqlx::query(
            "INSERT INTO epsilon (lineage, release, amount, state, at) VALUES (?, ?, ?, 'reserved', ?)",
        )
        .bind(subject.lineage.to_string())
        .bind(subject.release.to_string())
        .bind(integer(cost))
        .bind(instant(at))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Reserved::Yes)
    }

    /// Gives back what was reserved for a release; nothing has left the gate.
    pub(super) async fn void(&self, release: ReleaseId) -> Result<(), GateError> {
        sqlx::query("UPDATE epsilon SET state = 'void' WHERE release = ? AND state = 'reserved'")
            .bind(release.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Persists a decision with everything that follows from it, in one transaction, and returns what
    /// is to be sent.
    pub(super) async fn persist(&self, entry: Entry<'_>) -> Result<ReleaseDecision, GateError> {
        let release = entry.release.to_string();
        let body = &entry.decision.decision.body;
        let decision = serde_json::to_string(entry.decision)
            .map_err(|e| GateError::JournalRow { release: release.clone(), reason: e.to_string() })?;
        let outcome = match body.outcome {
            Outcome::Released { .. } => "released",
            Outcome::Refused { .. } => "refused",
        };
        let subject = entry.subject;
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO releases (release, job, buyer, dataset, query, outcome, epsilon, decision, decided_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&release)
        .bind(subject.map(|s| s.job.to_string()))
        .bind(subject.map(|s| s.buyer.to_string()))
        .bind(subject.map(|s| s.dataset.to_string()))
        .bind(subject.map(|s| s.query.to_string()))
        .bind(outcome)
        .bind(integer(entry.epsilon))
        .bind(decision)
        .bind(instant(body.decided_at))
        .execute(&mut *tx)
        .await?;
        if let Some(subject) = subject {
            sqlx::query(
                "INSERT INTO buyers (buyer, key, first_seen) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(subject.buyer.to_string())
            .bind(subject.buyer_key.to_string())
            .bind(instant(body.decided_at))
            .execute(&mut *tx)
            .await?;
        }
        if let (Some(subject), Some(answer)) = (subject, entry.answer) {
            sqlx::query(
                "INSERT INTO answers (dataset, query, policy, release, answer) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(subject.dataset.to_string())
            .bind(subject.query.to_string())
            .bind(subject.policy.to_string())
            .bind(&release)
            .bind(answer)
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query("UPDATE epsilon SET state = 'posted' WHERE release = ? AND state = 'reserved'")
            .bind(&release)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(entry.decision.clone())
    }

    /// Epsilon spent of a lineage.
    #[cfg(test)]
    pub(super) async fn spent(&self, lineage: LineageId) -> Result<Epsilon, GateError> {
        let row = sqlx::query(
            "SELECT COALESCE(SUM(amount), 0) AS spent FROM epsilon WHERE lineage = ? AND state = 'posted'",
        )
        .bind(lineage.to_string())
        .fetch_one(&self.pool)
        .await?;
        let spent: i64 = row.try_get("spent")?;
        Ok(Epsilon::millionths(spent.unsigned_abs()))
    }
}

fn parse(release: &str, text: &str) -> Result<ReleaseDecision, GateError> {
    serde_json::from_str(text)
        .map_err(|e| GateError::JournalRow { release: release.to_owned(), reason: e.to_string() })
}

fn integer(epsilon: Epsilon) -> i64 {
    i64::try_from(epsilon.as_millionths()).unwrap_or(i64::MAX)
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

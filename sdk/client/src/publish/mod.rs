//! Publishing a table: [`plan`] says what will happen, [`publish`] does it.
//!
//! Rows are read in a stream and never leave the machine; what is uploaded are ciphertexts, the
//! evaluation keys and the signed manifest. Finished objects are kept in the profile until the
//! listing exists, so an interrupted publication continues where it stopped.

mod append;
mod calibrate;
mod encrypt;
mod plan;
mod progress;
mod spool;
#[cfg(test)]
mod tests;
mod upload;

use std::{path::PathBuf, sync::Arc, time::Instant};

use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    api::{Listing, Publish},
    canonical::Canonical,
    ids::{AccountId, ListingId},
    layout_plan::{GrowthError, PlanError, RollupBudget},
    money::Price,
    policy::Policy,
    schema::Schema,
};

pub use append::{AppendPlan, AppendRequest, append, plan_append};
pub use plan::{ColumnPlan, Plan, plan};
pub use progress::{Progress, Silent, Stage};

use crate::{ClientError, account, session::Session};

/// What is to be published, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The table: CSV or Parquet.
    pub table: PathBuf,
    /// Its public schema.
    pub schema: Schema,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// What the gate will enforce.
    pub policy: Policy,
    /// What queries cost.
    pub price: Price,
    /// Whether to publish encrypted aggregates.
    pub rollup: bool,
    /// Whether to publish the encrypted bitmap index.
    pub scan: bool,
    /// Whether to publish the dimensions once more for scores of models.
    pub models: bool,
    /// Synthetic rows for buyers to rehearse on, CSV or Parquet: they are published in clear.
    pub sandbox: Option<PathBuf>,
    /// What the aggregates may cost at most.
    pub budget: RollupBudget,
    /// The most bytes to upload; by default about 6 kB a row, at least 64 MB.
    pub max_upload: Option<u64>,
    /// The gate's name for people, when it has yet to be enrolled.
    pub gate_name: String,
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// The listing.
    pub listing: Listing,
    /// Bytes of all objects.
    pub bytes: u64,
    /// Bytes that had to be sent; less when objects were there already.
    pub uploaded_bytes: u64,
    /// Milliseconds of reading and encrypting.
    pub encrypt_ms: u64,
    /// Milliseconds of uploading.
    pub upload_ms: u64,
}

/// Why a publication is not possible.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Neither layout was chosen.
    #[error("no layout chosen: publish rollup, scan or both")]
    NoLayout,
    /// The table changed since it was planned.
    #[error(
        "the table changed while it was being published: {planned} rows planned, {read} read; start again"
    )]
    TableChanged {
        /// Rows when planned.
        planned: u64,
        /// Rows when encrypted.
        read: u64,
    },
    /// The layouts do not fit the upload.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A chunk is more than the platform takes.
    #[error(
        "a chunk of rows would have {bytes} bytes, this platform takes at most {limit}: leave dimensions with \
         many values out of the schema, give them fewer buckets, or publish without scores of models"
    )]
    Object {
        /// Of the largest chunk, about.
        bytes: u64,
        /// What is accepted.
        limit: u64,
    },
    /// Rows can be appended by the owner alone.
    #[error("listing {listing} belongs to account {owner}: rows are appended by its owner")]
    NotOwner {
        /// The listing.
        listing: ListingId,
        /// Its owner.
        owner: AccountId,
    },
    /// Nothing is appended to what is not for sale any more.
    #[error("listing {0} was withdrawn: publish the table as a new listing")]
    Withdrawn(ListingId),
    /// The rows do not fit the layouts of the dataset.
    #[error(transparent)]
    Growth(#[from] GrowthError),
    /// The policy has noise but no budget, or a budget that does not cover one query.
    #[error("policy: epsilon_budget must be set with noise, and cover at least one query")]
    NoBudget,
}

impl Request {
    /// A request with both layouts, the default policy and budget.
    pub fn new(table: PathBuf, schema: Schema, title: String, price: Price) -> Self {
        Self {
            table,
            schema,
            title,
            description: String::new(),
            policy: Policy::default(),
            price,
            rollup: true,
            scan: true,
            models: false,
            sandbox: None,
            budget: RollupBudget::default(),
            max_upload: None,
            gate_name: "gate".to_owned(),
        }
    }

    fn check(&self) -> Result<(), ClientError> {
        self.schema.validate()?;
        self.policy.validate()?;
        if !self.rollup && !self.scan {
            return Err(PublishError::NoLayout.into());
        }
        let cost = self.policy.epsilon_per_query();
        if cost.as_millionths() > 0 && self.policy.epsilon_budget.is_none_or(|budget| budget < cost) {
            return Err(PublishError::NoBudget.into());
        }
        Ok(())
    }
}

/// Encrypts, uploads and lists what was planned. Safe to repeat after an interruption: what is done
/// is not done again.
///
/// # Errors
/// Those of the table, the profile, the network and the platform.
pub async fn publish(
    session: &Session,
    keys: &Arc<KeyBundle>,
    request: &Request,
    plan: &Plan,
    progress: Arc<dyn Progress>,
) -> Result<Published, ClientError> {
    request.check()?;
    let (bytes, limit) = (plan.upload.largest_object(plan.rows), session.platform.max_object_bytes);
    if bytes > limit {
        return Err(PublishError::Object { bytes, limit }.into());
    }
    account::ensure_key(session, keys).await?;
    let gate = account::ensure_gate(session, keys, &request.gate_name).await?;

    let started = Instant::now();
    let spool = Arc::new(spool::Spool::open(&session.profile, plan, request, keys)?);
    let manifest = {
        let (keys, request, plan) = (Arc::clone(keys), request.clone(), plan.clone());
        let (spool, progress) = (Arc::clone(&spool), Arc::clone(&progress));
        tokio::task::spawn_blocking(move || {
            encrypt::encrypt(&keys, &request, &plan, &spool, progress.as_ref())
        })
        .await
        .map_err(|_| ClientError::Task("encrypt"))??
    };
    manifest.validate()?;
    let encrypt_ms = milliseconds(started);

    let bytes = manifest.objects.iter().map(|object| object.bytes).sum();
    let started = Instant::now();
    let uploaded_bytes =
        upload::missing(&session.client, &spool, &manifest.objects, progress.as_ref()).await?;
    let upload_ms = milliseconds(started);

    let manifest = keys.signing.sign(manifest)?;
    // The gate's copy comes first: a listing whose gate does not know it would refuse every release.
    session.profile.save_dataset(&manifest, &request.policy)?;
    session.profile.save_source(&manifest.body.digest()?, &plan.source)?;
    let body = Publish {
        title: request.title.clone(),
        description: request.description.clone(),
        manifest,
        policy: request.policy.clone(),
        price: request.price.clone(),
        gate,
    };
    let listing = session.client.publish(&body).await?;
    spool.finish()?;
    Ok(Published { listing, bytes, uploaded_bytes, encrypt_ms, upload_ms })
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

//! Appending rows: [`plan_append`] says what will happen, [`append`] does it.
//!
//! New rows become new chunks; those of before stay as they are, the last one with its padding. The
//! aggregates are made anew: their sums are decrypted from the version before, which the owner's keys
//! open, so the rows of before are not needed. The signed manifest of the next version names both.

use std::{path::PathBuf, sync::Arc, time::Instant};

use sordino_fhe::{keys::KeyBundle, rollup::Aggregator};
use sordino_protocol::{
    api::{Append, Listing, ListingState},
    canonical::Canonical,
    digest::Digest,
    ids::ListingId,
    layout::{Chunk, RollupLayout, ScanLayout},
    layout_plan::{self, UploadEstimate},
    manifest::{Manifest, ObjectRef},
    merkle,
    policy::Policy,
    signature::Signed,
};

use super::{
    Progress, PublishError, Published, Stage, calibrate, encrypt, milliseconds, plan,
    spool::{Part, Spool},
    upload,
};
use crate::{
    ClientError,
    gate::{CachedSegments, fetch},
    profile::Profile,
    session::Session,
    table::Table,
};

/// Which rows are to be appended to what.
#[derive(Debug, Clone)]
pub struct AppendRequest {
    /// The listing.
    pub listing: ListingId,
    /// The new rows: CSV or Parquet, of the listing's schema.
    pub table: PathBuf,
    /// Whether to append rows of a table that is part of the dataset already.
    pub again: bool,
}

/// Appending before it starts.
#[derive(Debug, Clone)]
pub struct AppendPlan {
    /// The listing as it is.
    pub listing: Listing,
    /// The manifest of its current version, signed by this owner.
    pub before: Signed<Manifest>,
    /// The policy that the gate will enforce for the next version: as for the current one.
    pub policy: Policy,
    /// Rows of the table.
    pub rows: u64,
    /// Digest of the file.
    pub source: Digest,
    /// What will be encrypted and sent: new chunks and all aggregates.
    pub upload: UploadEstimate,
    /// Estimated seconds of encryption on this machine, from a short trial.
    pub encrypt_seconds: f64,
    /// The version that this very table was published or appended as: nothing is left to do, unless its
    /// rows are to be appended again.
    pub done: Option<u32>,
}

/// Plans appending. Reads the whole table and checks every value.
///
/// # Errors
/// When the listing is not this owner's or was withdrawn, a value does not fit the published schema, or
/// the dataset has no room for the rows.
pub async fn plan_append(
    session: &Session,
    keys: &Arc<KeyBundle>,
    request: &AppendRequest,
) -> Result<AppendPlan, ClientError> {
    let listing = session.client.listing(request.listing).await?;
    if listing.owner != session.account {
        return Err(PublishError::NotOwner { listing: listing.id, owner: listing.owner }.into());
    }
    if listing.state == ListingState::Withdrawn {
        return Err(PublishError::Withdrawn(listing.id).into());
    }
    let (before, policy) = current(session, keys, &listing).await?;
    let (request, keys, profile) = (request.clone(), Arc::clone(keys), session.profile.clone());
    tokio::task::spawn_blocking(move || plan_now(&profile, &keys, &request, listing, before, policy))
        .await
        .map_err(|_| ClientError::Task("plan"))?
}

/// The current version: the profile's own copy, or the platform's if it carries this owner's signature.
async fn current(
    session: &Session,
    keys: &KeyBundle,
    listing: &Listing,
) -> Result<(Signed<Manifest>, Policy), ClientError> {
    let held = keys.signing.verifying_key();
    let (manifest, policy) = match session.profile.dataset(&listing.dataset)? {
        Some(own) => (own.manifest, own.policy),
        None => (session.client.manifest(listing.id).await?, listing.policy.clone()),
    };
    if manifest.signer != held {
        return Err(ClientError::OtherAccountKey { registered: manifest.signer, held });
    }
    manifest.verify(&held)?;
    manifest.body.validate()?;
    let actual = manifest.body.digest()?;
    if actual != listing.dataset {
        return Err(ClientError::ObjectDigest { expected: listing.dataset, actual });
    }
    Ok((manifest, policy))
}

fn plan_now(
    profile: &Profile,
    keys: &KeyBundle,
    request: &AppendRequest,
    listing: Listing,
    before: Signed<Manifest>,
    policy: Policy,
) -> Result<AppendPlan, ClientError> {
    let manifest = &before.body;
    let table = Table::open(&request.table)?;
    let mapping = table.map(&manifest.schema)?;
    let source = plan::digest_of(&request.table)?;
    let rows = plan::check_rows(&table, &manifest.schema, &mapping)?;
    let (rollup, scan) = (manifest.rollup.as_ref(), manifest.scan.as_ref());
    let total = manifest.rows.saturating_add(rows);
    layout_plan::check_growth(&manifest.schema, total, rollup, scan).map_err(PublishError::from)?;
    let upload = layout_plan::upload_estimate(rows, rollup, scan);
    let upload = UploadEstimate { evaluation_key_bytes: 0, ..upload };
    let encrypt_seconds = calibrate::measure(keys, scan.map(|layout| layout.parameter_set))?.seconds(&upload);
    let done = if request.again { None } else { part_of(profile, &listing, manifest, &source)? };
    Ok(AppendPlan { rows, source, upload, encrypt_seconds, done, policy, listing, before })
}

/// The version among the current one and those before it that was made from this very table.
fn part_of(
    profile: &Profile,
    listing: &Listing,
    manifest: &Manifest,
    source: &Digest,
) -> Result<Option<u32>, ClientError> {
    let (mut dataset, mut manifest) = (listing.dataset, manifest.clone());
    loop {
        if profile.source(&dataset).as_ref() == Some(source) {
            return Ok(Some(manifest.version));
        }
        let Some(previous) = manifest.previous else { return Ok(None) };
        let Some(own) = profile.dataset(&previous)? else { return Ok(None) };
        (dataset, manifest) = (previous, own.manifest.body);
    }
}

/// Encrypts, uploads and publishes what was planned. Safe to repeat after an interruption: what is done
/// is not done again.
///
/// # Errors
/// Those of the table, the profile, the network and the platform.
pub async fn append(
    session: &Session,
    keys: &Arc<KeyBundle>,
    request: &AppendRequest,
    plan: &AppendPlan,
    progress: Arc<dyn Progress>,
) -> Result<Published, ClientError> {
    let before = &plan.before.body;
    if plan.done.is_some() {
        let (listing, bytes) = (plan.listing.clone(), plan.listing.bytes);
        return Ok(Published { listing, bytes, uploaded_bytes: 0, encrypt_ms: 0, upload_ms: 0 });
    }
    for segment in before.rollup.iter().flat_map(|layout| &layout.segments) {
        fetch(&session.client, &session.profile, before, segment).await?;
    }
    let started = Instant::now();
    let dataset = before.digest()?;
    let spool = Arc::new(Spool::open_append(&session.profile, &plan.source, &dataset, keys)?);
    let manifest = {
        let (keys, request, plan) = (Arc::clone(keys), request.clone(), plan.clone());
        let (spool, progress) = (Arc::clone(&spool), Arc::clone(&progress));
        let folder = session.profile.object_cache();
        tokio::task::spawn_blocking(move || {
            next_version(&keys, &request, &plan, folder, &spool, progress.as_ref())
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
    // The gate's copy comes first: a version that its gate does not know would refuse every release.
    session.profile.save_dataset(&manifest, &plan.policy)?;
    session.profile.save_source(&manifest.body.digest()?, &plan.source)?;
    let listing = session.client.append(plan.listing.id, &Append { manifest }).await?;
    spool.finish()?;
    Ok(Published { listing, bytes, uploaded_bytes, encrypt_ms, upload_ms })
}

/// Sums and encrypts the new rows on top of the version before.
fn next_version(
    keys: &KeyBundle,
    request: &AppendRequest,
    plan: &AppendPlan,
    folder: PathBuf,
    spool: &Spool,
    progress: &dyn Progress,
) -> Result<Manifest, ClientError> {
    let before = &plan.before.body;
    let schema = &before.schema;
    let restore = |layout: &RollupLayout| {
        let source = CachedSegments { folder, layout: layout.clone() };
        Aggregator::restore(schema, layout, before.rows, &source, &keys.secret)
    };
    let mut aggregator = before.rollup.as_ref().map(restore).transpose()?;
    let mut chunks: Vec<encrypt::Encrypted> = Vec::new();
    let mut scores = before.score.as_ref().map(|layout| encrypt::Scores::new(schema, layout));
    progress.begin(Stage::Rows, plan.rows);
    let set = before.scan.as_ref().and_then(|layout| layout.parameter_set.scan());
    let size = set.map_or(encrypt::BATCH, |set| set.degree);
    let read = encrypt::batches(&request.table, schema, size, |batch| {
        if let Some(aggregator) = &mut aggregator {
            aggregator.add(batch);
        }
        if let Some(layout) = &before.scan {
            chunks.push(encrypt::chunk(
                keys,
                schema,
                layout,
                batch,
                Part::Chunk(chunks.len() as u64),
                spool,
            )?);
        }
        if let Some(scores) = &mut scores {
            scores.add(keys, schema, batch, spool)?;
        }
        progress.advance(batch.rows as u64);
        Ok(())
    })?;
    if read != plan.rows {
        return Err(PublishError::TableChanged { planned: plan.rows, read }.into());
    }
    let segments = match &aggregator {
        Some(aggregator) => encrypt::segments(keys, aggregator, spool, progress)?,
        None => vec![],
    };
    let scores = match scores {
        Some(scores) => scores.finish(keys, schema, spool)?.1,
        None => vec![],
    };
    assemble(before, plan.listing.dataset, read, segments, (&chunks, &scores))
}

/// The manifest of the next version: new aggregates, the chunks of before and the new ones.
fn assemble(
    before: &Manifest,
    previous: Digest,
    rows: u64,
    segments: Vec<ObjectRef>,
    (chunks, scores): (&[encrypt::Encrypted], &[encrypt::Encrypted]),
) -> Result<Manifest, ClientError> {
    let kept = |digest: &Digest| before.objects.iter().find(|object| object.digest == *digest).copied();
    let rollup = before.rollup.as_ref().map(|layout| RollupLayout {
        segments: segments.iter().map(|object| object.digest).collect(),
        ..layout.clone()
    });
    let mut objects = segments;
    let mut grown = |layout: &ScanLayout, chunks: &[encrypt::Encrypted]| {
        objects.extend(layout.chunks.iter().filter_map(|chunk| kept(&chunk.object)));
        objects.extend(chunks.iter().map(|(object, _)| *object));
        objects.extend(kept(&layout.evaluation_keys));
        let fresh = chunks.iter().map(|(object, rows)| Chunk { object: object.digest, rows: *rows });
        ScanLayout { chunks: layout.chunks.iter().cloned().chain(fresh).collect(), ..layout.clone() }
    };
    let scan = before.scan.as_ref().map(|layout| grown(layout, chunks));
    let score = before.score.as_ref().map(|layout| grown(layout, scores));
    objects.extend(before.sandbox.as_ref().and_then(kept));
    let digests: Vec<Digest> = objects.iter().map(|object| object.digest).collect();
    Ok(Manifest {
        lineage: before.lineage,
        version: before.version + 1,
        previous: Some(previous),
        schema: before.schema.clone(),
        rows: before.rows + rows,
        rollup,
        scan,
        score,
        sandbox: before.sandbox,
        root: merkle::root(&digests),
        objects,
    })
}

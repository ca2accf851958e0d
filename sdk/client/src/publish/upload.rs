//! Sends the objects that the platform lacks, a few at a time.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};
use sordino_protocol::manifest::ObjectRef;

use super::{Progress, Stage, spool::Spool};
use crate::{ClientError, api::Client};

/// Uploads at a time.
const PARALLEL: usize = 4;

/// Returns the bytes that were sent.
pub(super) async fn missing(
    client: &Client,
    spool: &Spool,
    objects: &[ObjectRef],
    progress: &dyn Progress,
) -> Result<u64, ClientError> {
    let digests: Vec<_> = objects.iter().map(|object| object.digest).collect();
    let missing: HashSet<_> = client.missing_objects(&digests).await?.into_iter().collect();
    let mut wanted: Vec<_> = objects.iter().filter(|object| missing.contains(&object.digest)).collect();
    wanted.sort_unstable_by_key(|object| object.digest);
    wanted.dedup_by_key(|object| object.digest);
    let total: u64 = wanted.iter().map(|object| object.bytes).sum();
    progress.begin(Stage::Upload, total);
    let uploads = wanted.into_iter().map(|object| async move {
        client.put_object(&object.digest, &spool.path(&object.digest)).await?;
        progress.advance(object.bytes);
        Ok::<_, ClientError>(())
    });
    // Collected first: a lazy iterator of closures would keep the future from being sent to a thread.
    let uploads: Vec<_> = uploads.collect();
    stream::iter(uploads).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await?;
    Ok(total)
}

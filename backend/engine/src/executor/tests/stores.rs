//! Stores that watch what is read, or interfere.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};

/// What a [`WatchedStore`] saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Bytes of ranges that were read and are still held by somebody.
    held: AtomicUsize,
    /// The most of them at a time.
    pub(super) most_held: AtomicUsize,
    /// Reads of several ranges, or of one as long as a slice.
    pub(super) column_reads: AtomicUsize,
    /// Bytes of all ranges that were read.
    pub(super) read: AtomicUsize,
}

/// Called before the slices of a chunk are read, with the number of such reads before.
pub(super) type Before = Box<dyn Fn(usize) + Send + Sync>;

/// A store in memory whose range reads are counted until the last holder drops them.
pub(super) struct WatchedStore {
    inner: Arc<InMemory>,
    pub(super) seen: Arc<Seen>,
    before: Before,
}

/// Reads shorter than this are of metadata.
const SLICE_FLOOR: u64 = 100_000;

struct Held {
    bytes: Bytes,
    seen: Arc<Seen>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.seen.held.fetch_sub(self.bytes.len(), Ordering::SeqCst);
    }
}

impl WatchedStore {
    pub(super) fn new(inner: Arc<InMemory>, before: Before) -> Self {
        Self { inner, seen: Arc::default(), before }
    }

    fn hold(&self, bytes: &Bytes) -> Bytes {
        let seen = Arc::clone(&self.seen);
        let held = seen.held.fetch_add(bytes.len(), Ordering::SeqCst) + bytes.len();
        seen.most_held.fetch_max(held, Ordering::SeqCst);
        seen.read.fetch_add(bytes.len(), Ordering::SeqCst);
        // A copy, as a store on a disk or in a network makes one.
        Bytes::from_owner(Held { bytes: Bytes::copy_from_slice(bytes), seen })
    }
}

#[async_trait]
impl ObjectStore for WatchedStore {
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if ranges.iter().any(|range| range.end - range.start >= SLICE_FLOOR) {
            (self.before)(self.seen.column_reads.fetch_add(1, Ordering::SeqCst));
        }
        let read = self.inner.get_ranges(location, ranges).await?;
        Ok(read.iter().map(|bytes| self.hold(bytes)).collect())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for WatchedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedStore")
    }
}

impl fmt::Display for WatchedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedStore")
    }
}

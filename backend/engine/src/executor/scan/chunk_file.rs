//! A chunk as DataFusion's Parquet reader sees it: a stored object whose metadata and columns pass the
//! trust boundary of `sdk/fhe` before the reader gets them.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use datafusion::{
    datasource::{listing::PartitionedFile, physical_plan::ParquetFileReaderFactory},
    error::DataFusionError,
    parquet::{
        arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
        errors::{ParquetError, Result as ParquetResult},
        file::metadata::ParquetMetaData,
    },
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use futures::{FutureExt, future::BoxFuture};
use sordino_fhe::{
    error::{FheError, SourceError},
    scan::{Footer, TAIL},
};
use sordino_protocol::{layout::Slice, manifest::ObjectRef};

use super::run::Run;
use crate::executor::{EngineError, objects::Objects};

/// The metadata of most chunks fits; one request then gets it with the tail.
const FIRST_READ: u64 = 16 << 10;

/// Opens the chunks of one scan.
#[derive(Debug)]
pub(super) struct ChunkFiles {
    pub(super) run: Arc<Run>,
    pub(super) objects: Objects,
    /// The slices that the scan reads.
    pub(super) slices: Arc<[Slice]>,
}

impl ParquetFileReaderFactory for ChunkFiles {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>, DataFusionError> {
        let object = file.extension::<ObjectRef>().copied();
        let object = object.ok_or_else(|| DataFusionError::Internal("a file that is no chunk".to_owned()))?;
        Ok(Box::new(ChunkFile {
            run: Arc::clone(&self.run),
            objects: self.objects.clone(),
            object,
            slices: Arc::clone(&self.slices),
            opened: None,
        }))
    }
}

struct ChunkFile {
    run: Arc<Run>,
    objects: Objects,
    object: ObjectRef,
    slices: Arc<[Slice]>,
    opened: Option<Opened>,
}

struct Opened {
    footer: Footer,
    /// Where each wanted slice lies.
    places: Vec<(Range<u64>, Slice)>,
}

impl ChunkFile {
    async fn open(&mut self) -> Result<Arc<ParquetMetaData>, EngineError> {
        self.objects.check_size(&self.object).await?;
        let length = self.object.bytes;
        let first = length.saturating_sub(FIRST_READ);
        let end = self.part(first..length).await?;
        let tail = end.len().saturating_sub(TAIL as usize);
        let place = Footer::locate(&end[tail..], length).map_err(FheError::from)?;
        let metadata = if place.start >= first {
            // Within what was read, whose length is a usize.
            end.slice((place.start - first) as usize..tail)
        } else {
            self.part(place).await?
        };
        let set = self.run.program.parameter_set;
        let footer = Footer::read(&metadata, length, set).map_err(FheError::from)?;
        let place = |slice: &Slice| Ok((footer.range(*slice)?, *slice));
        let places = self.slices.iter().map(place).collect::<Result<_, SourceError>>();
        let places = places.map_err(FheError::from)?;
        let metadata = Arc::clone(footer.metadata());
        self.opened = Some(Opened { footer, places });
        Ok(metadata)
    }

    async fn part(&self, range: Range<u64>) -> Result<Bytes, EngineError> {
        Ok(self.objects.ranges(&self.object, vec![range]).await?.pop().unwrap_or_default())
    }

    /// Whole columns; the reader has no reason to ask for anything else.
    async fn columns(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, EngineError> {
        let unasked = || EngineError::Damaged {
            digest: self.object.digest,
            reason: "its metadata leads outside the slices wanted".to_owned(),
        };
        let Some(Opened { footer, places }) = &self.opened else { return Err(unasked()) };
        let slice = |range: &Range<u64>| places.iter().find(|(place, _)| place == range).map(|(_, s)| *s);
        let slices = ranges.iter().map(slice).collect::<Option<Vec<_>>>().ok_or_else(unasked)?;
        let columns = self.objects.ranges(&self.object, ranges).await?;
        for (slice, column) in slices.into_iter().zip(&columns) {
            footer.slice(slice, column.clone()).map_err(FheError::from)?;
        }
        Ok(columns)
    }

    fn failed(&self, error: EngineError) -> ParquetError {
        ParquetError::External(Box::new(self.run.fail(error)))
    }
}

impl AsyncFileReader for ChunkFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let columns = self.get_byte_ranges(vec![range]);
        async { Ok(columns.await?.pop().unwrap_or_default()) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        let this = &*self;
        async move { this.columns(ranges).await.map_err(|error| this.failed(error)) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let opened = self.open().await;
            opened.map_err(|error| self.failed(error))
        }
        .boxed()
    }
}

//! The plan of a scan: Parquet slices, a partial aggregate in each lane, and the aggregate of these.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
    },
    error::Result,
    execution::{TaskContext, object_store::ObjectStoreUrl, runtime_env::RuntimeEnvBuilder},
    logical_expr::AggregateUDF,
    physical_expr::{PhysicalExpr, aggregate::AggregateExprBuilder, expressions::Column},
    physical_plan::{
        ExecutionPlan,
        aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy},
        coalesce_partitions::CoalescePartitionsExec,
    },
    prelude::SessionConfig,
};
use sordino_protocol::manifest::ObjectRef;

use super::{aggregate::ScanAggregate, chunk_file::ChunkFiles, handover::Handover};
use crate::executor::objects::location;

/// The address under which the plan knows the object store; it has no meaning outside.
const STORE: &str = "objects://chunks";

/// Which chunks, and how.
pub(super) struct Outline<'a> {
    pub(super) files: ChunkFiles,
    pub(super) chunks: &'a [ObjectRef],
    pub(super) lanes: u32,
    pub(super) handover: Handover,
}

impl Outline<'_> {
    /// The plan, whose only row has the outputs, and what it is executed in.
    pub(super) fn plan(self) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
        let context = self.context()?;
        // A view shares the bytes of its page: 0.9 MB a slice that are not copied.
        let field = |name: String| Field::new(name, DataType::BinaryView, false);
        let names: Vec<String> = self.files.slices.iter().map(|slice| slice.name()).collect();
        let schema = Arc::new(Schema::new(names.iter().cloned().map(field).collect::<Vec<_>>()));
        let column =
            |(index, name): (usize, &String)| Arc::new(Column::new(name, index)) as Arc<dyn PhysicalExpr>;
        let columns = names.iter().enumerate().map(column).collect();
        let run = Arc::clone(&self.files.run);
        let function = ScanAggregate::new(run, &self.files.slices, Arc::new(self.handover));
        let aggregate = AggregateExprBuilder::new(Arc::new(AggregateUDF::from(function)), columns)
            .schema(Arc::clone(&schema))
            .alias("outputs")
            .build()?;
        let aggregate = vec![Arc::new(aggregate)];
        let source = ParquetSource::new(Arc::clone(&schema))
            .with_parquet_file_reader_factory(Arc::new(self.files))
            .with_enable_page_index(false);
        let scan = FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE)?, Arc::new(source))
            .with_file_groups(lanes(self.chunks, self.lanes))
            .with_batch_size(Some(1))
            .build();
        let grouped = |mode, input, aggregate| {
            let schema = Arc::clone(&schema);
            AggregateExec::try_new(mode, PhysicalGroupBy::default(), aggregate, vec![None], input, schema)
        };
        let scan = DataSourceExec::from_data_source(scan);
        let lanes = grouped(AggregateMode::Partial, scan, aggregate.clone())?;
        let lanes = Arc::new(CoalescePartitionsExec::new(Arc::new(lanes)));
        let whole = grouped(AggregateMode::Final, lanes, aggregate)?;
        Ok((Arc::new(whole), context))
    }

    fn context(&self) -> Result<Arc<TaskContext>> {
        let runtime = RuntimeEnvBuilder::new().build_arc()?;
        let url = ObjectStoreUrl::parse(STORE)?;
        runtime.register_object_store(url.as_ref(), Arc::clone(self.files.objects.store()));
        let none = HashMap::new;
        let config = SessionConfig::new().with_target_partitions(self.lanes as usize);
        let session = "scan".to_owned();
        Ok(Arc::new(TaskContext::new(
            None,
            session,
            config,
            none(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            runtime,
        )))
    }
}

/// Chunks by lane. A lane that is done takes the next chunk of another: it is not bound to its own.
fn lanes(chunks: &[ObjectRef], lanes: u32) -> Vec<FileGroup> {
    let mut files = vec![Vec::new(); lanes as usize];
    for (index, chunk) in chunks.iter().enumerate() {
        let file = PartitionedFile::new(location(&chunk.digest), chunk.bytes).with_extension(*chunk);
        files[index % lanes as usize].push(file);
    }
    files.into_iter().map(FileGroup::new).collect()
}

//! The oracle: DataFusion over the plain rows. Nothing is optimised: its simplifier merges IN lists
//! without regard to NULL.

use std::sync::Arc;

use ::datafusion::{
    common::ScalarValue,
    datasource::MemTable,
    execution::{FunctionRegistry, SessionStateBuilder},
    prelude::{SessionConfig, SessionContext},
};

use super::{
    cells::{Cell, of_scalar},
    tables::Table,
};
use crate::sql::functions;

/// A table that DataFusion can be asked about.
pub(super) struct Oracle {
    session: SessionContext,
}

impl Oracle {
    pub(super) fn new(table: &Table) -> Self {
        let mut config = SessionConfig::new().with_target_partitions(1);
        config.options_mut().sql_parser.parse_float_as_decimal = true;
        config.options_mut().sql_parser.map_string_types_to_utf8view = false;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_default_features()
            .with_optimizer_rules(Vec::new())
            .build();
        let session = SessionContext::new_with_state(state);
        for name in functions::scalar_names() {
            if session.udf(&name).is_err()
                && let Some(function) = functions::scalar(&name)
            {
                session.register_udf(function.as_ref().clone());
            }
        }
        let rows = MemTable::try_new(table.batch.schema(), vec![vec![table.batch.clone()]]);
        session.register_table("t", Arc::new(rows.expect("a table"))).expect("registered");
        Self { session }
    }

    /// The rows that answer a text.
    pub(super) async fn rows(&self, sql: &str) -> Vec<Vec<Cell>> {
        let frame = self.session.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let batches = frame.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cell = |array| of_scalar(&ScalarValue::try_from_array(array, row).expect("a value"));
                rows.push(batch.columns().iter().map(cell).collect());
            }
        }
        rows
    }
}

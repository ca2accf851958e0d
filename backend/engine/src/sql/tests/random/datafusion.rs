//! The oracle: DataFusion over the plain rows. Nothing is optimised: its simplifier merges IN lists
//! without regard to NULL.

use std::sync::Arc;

use ::datafusion::{
    arrow::array::ArrayRef,
    common::{DataFusionError, ScalarValue, tree_node::Transformed},
    datasource::MemTable,
    execution::{FunctionRegistry, SessionStateBuilder},
    logical_expr::LogicalPlan,
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
    prelude::{SessionConfig, SessionContext},
};

use super::{
    cells::{Cell, of_scalar},
    tables::Table,
};
use crate::sql::functions;

/// The one rule without which some functions do not run.
#[derive(Debug)]
struct Expand;

impl OptimizerRule for Expand {
    fn name(&self) -> &str {
        "expand"
    }
    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }
    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        let inputs: Vec<_> = plan.inputs().into_iter().map(|input| Arc::clone(input.schema())).collect();
        let columns = inputs.into_iter().next().unwrap_or_else(|| Arc::clone(plan.schema()));
        plan.map_expressions(|expr| {
            let name = expr.schema_name().to_string();
            let expanded = functions::expanded(&columns, expr)?;
            let renamed = expanded.schema_name().to_string() != name;
            Ok(Transformed::yes(if renamed { expanded.alias(name) } else { expanded }))
        })
    }
}

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
            .with_optimizer_rules(vec![Arc::new(Expand)])
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
                let cell =
                    |array: &ArrayRef| of_scalar(&ScalarValue::try_from_array(array, row).expect("a value"));
                rows.push(batch.columns().iter().map(cell).collect());
            }
        }
        rows
    }
}

//! SQL on plaintext, by DataFusion as it comes: what encrypted answers are compared with. Only
//! benchmarks and tests have plaintext to give; nothing of the platform calls this.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch},
        datatypes::Schema,
        util::display::array_value_to_string,
    },
    datasource::MemTable,
    error::DataFusionError,
    execution::{config::SessionConfig, context::SessionContext},
};

/// Runs `sql` over a table and returns the rows of the result as text; `None` is NULL.
///
/// # Errors
/// What DataFusion says of the SQL or of the data.
pub async fn rows(
    table: &str,
    batches: Vec<RecordBatch>,
    sql: &str,
) -> Result<Vec<Vec<Option<String>>>, DataFusionError> {
    let mut config = SessionConfig::new();
    // As the front end reads numbers: `29.5` is exact.
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    let context = SessionContext::new_with_config(config);
    let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    context.register_table(table, Arc::new(MemTable::try_new(schema, vec![batches])?))?;
    let mut rows = Vec::new();
    for batch in context.sql(sql).await?.collect().await? {
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayRef| {
                if column.is_null(row) {
                    return Ok(None);
                }
                array_value_to_string(column, row).map(Some)
            };
            rows.push(batch.columns().iter().map(cell).collect::<Result<_, _>>()?);
        }
    }
    Ok(rows)
}

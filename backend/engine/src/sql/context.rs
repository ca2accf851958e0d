//! The world that `datafusion-sql` binds against: one table with the published columns, and the
//! functions of [`super::functions`]. No data, no session, no file.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema as ArrowSchema},
    common::{DFSchema, DataFusionError, SchemaError, TableReference, config::ConfigOptions, plan_err},
    logical_expr::{
        AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
        builder::LogicalTableSource,
        planner::{ContextProvider, ExprPlanner},
        simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    sql::{
        planner::{ParserOptions, PlannerContext, SqlToRel},
        sqlparser::ast,
    },
};
use sordino_protocol::schema::{Column, Domain, Schema};

use super::{
    error::{SqlError, shorten},
    fragment, functions,
};

/// What the planner may look up.
pub(super) struct Context {
    table: String,
    source: Arc<dyn TableSource>,
    options: ConfigOptions,
}

/// How a column looks to SQL; `None` if it is not encrypted.
pub(super) fn data_type(column: &Column) -> Option<DataType> {
    let number = |scale: u8| {
        let scale = scale.max(column.measure.as_ref().map_or(0, |measure| measure.scale));
        if scale == 0 { DataType::Int64 } else { DataType::Decimal128(38, i8::try_from(scale).unwrap_or(0)) }
    };
    match (&column.dimension, &column.measure) {
        (Some(Domain::Category { .. } | Domain::Order { .. }), _) => Some(DataType::Utf8),
        (Some(Domain::Integer { .. }), _) => Some(number(0)),
        (Some(Domain::Buckets { scale, .. }), _) => Some(number(*scale)),
        (Some(Domain::Boolean), _) => Some(DataType::Boolean),
        (Some(Domain::Date { .. }), _) => Some(DataType::Date32),
        (None, Some(measure)) => Some(number(measure.scale)),
        (None, None) => None,
    }
}

impl Context {
    /// For one table.
    pub(super) fn new(schema: &Schema) -> Self {
        let fields: Vec<Field> = schema
            .columns
            .iter()
            .filter_map(|column| Some(Field::new(&column.name, data_type(column)?, column.nullable)))
            .collect();
        let arrow = Arc::new(ArrowSchema::new(fields));
        let mut options = ConfigOptions::new();
        // `29.5` is exact; as a float it would not be.
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.map_string_types_to_utf8view = false;
        Self { table: schema.table.clone(), source: Arc::new(LogicalTableSource::new(arrow)), options }
    }

    /// The columns of `relation`, as expressions see them.
    pub(super) fn columns(&self, relation: &str) -> Result<Arc<DFSchema>, SqlError> {
        DFSchema::try_from_qualified_schema(relation, &self.source.schema())
            .map(Arc::new)
            .map_err(|error| refusal(relation, &error))
    }

    /// The condition of a statement, as written: nothing is coerced.
    pub(super) fn condition(&self, columns: &DFSchema, condition: ast::Expr) -> Result<Expr, SqlError> {
        let shown = condition.to_string().replace('"', "");
        self.planner()
            .sql_to_expr(condition, columns, &mut PlannerContext::new())
            .map_err(|error| refusal(&shown, &error))
    }

    /// The logical plan of a statement.
    pub(super) fn plan(&self, query: ast::Query) -> Result<LogicalPlan, SqlError> {
        let shown = query.to_string().replace('"', "");
        let statement = ast::Statement::Query(Box::new(query));
        self.planner().sql_statement_to_plan(statement).map_err(|error| refusal(&shown, &error))
    }

    fn planner(&self) -> SqlToRel<'_, Self> {
        SqlToRel::new_with_options(self, ParserOptions::from(&self.options.sql_parser))
    }

    /// Makes the types of both sides of every comparison equal, as DataFusion's analyser does.
    pub(super) fn coerce(columns: &Arc<DFSchema>, expr: &Expr) -> Result<Expr, SqlError> {
        Self::simplifier(columns)
            .coerce(expr.clone(), columns)
            .map_err(|error| refusal(&fragment::of(expr), &error))
    }

    fn simplifier(columns: &Arc<DFSchema>) -> ExprSimplifier {
        ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::clone(columns)).build())
    }
}

/// What a message says last: the refusal of a call is wrapped in those of whoever tried it.
fn in_short(message: &str) -> &str {
    ["Error during planning: ", "Internal error: ", "errors: "]
        .iter()
        .fold(message, |message, wrapping| message.rsplit(wrapping).next().unwrap_or(message))
        .trim_end_matches('.')
}

/// DataFusion's refusal in our terms. What is common has been refused before with better words.
pub(super) fn refusal(shown: &str, error: &DataFusionError) -> SqlError {
    let root = error.find_root();
    let said = root.message();
    let reason = shorten(in_short(said.lines().next().unwrap_or_default()));
    match root {
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => {
            SqlError::mismatch(shown, format!("a constant cannot be computed: {reason}"), "")
        }
        DataFusionError::SQL(..) => SqlError::Syntax { message: reason },
        // Every column has been found before, so this is the name of an output.
        DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
            SchemaError::FieldNotFound { field, .. } => SqlError::UnknownColumn {
                fragment: shorten(&field.name),
                reason: "this is the name of an output; conditions and totals know columns only".to_owned(),
                hint: None,
            },
            _ => SqlError::unsupported(shown, reason, ""),
        },
        _ if reason.contains("must appear in the GROUP BY clause") => {
            let reason = "a column is shown, compared or sorted by that is neither grouped by nor aggregated";
            SqlError::unsupported(shown, reason, "add it to GROUP BY, or aggregate it")
        }
        _ => SqlError::unsupported(shown, reason, ""),
    }
}

impl ContextProvider for Context {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>, DataFusionError> {
        if name.table() == self.table {
            return Ok(Arc::clone(&self.source));
        }
        plan_err!("there is no table {name}")
    }
    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        functions::planners()
    }
    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        functions::scalar(name)
    }
    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }
    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        functions::aggregate(name)
    }
    fn get_window_meta(&self, _: &str) -> Option<Arc<WindowUDF>> {
        None
    }
    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }
    fn options(&self) -> &ConfigOptions {
        &self.options
    }
    fn udf_names(&self) -> Vec<String> {
        functions::scalar_names()
    }
    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn udaf_names(&self) -> Vec<String> {
        functions::aggregate_names()
    }
    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

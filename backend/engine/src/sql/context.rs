//! The world that `datafusion-sql` binds against: one table with the published columns, COUNT, SUM
//! and AVG, and a few functions of dates for constants. No data, no session, no file.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema as ArrowSchema},
    common::{DFSchema, DataFusionError, SchemaError, TableReference, config::ConfigOptions, plan_err},
    execution::SessionStateDefaults,
    logical_expr::{
        AccumulatorFactoryFunction, AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, Signature,
        SimpleAggregateUDF, TableSource, Volatility, WindowUDF,
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
    fragment,
};

/// Functions that may occur in constants. Their results are small whatever their arguments: folding
/// `lpad('a', 2000000000)` would be an attack on memory.
const CONSTANT_FUNCTIONS: [&str; 5] = ["date_part", "date_trunc", "to_date", "make_date", "nullif"];

/// What the planner may look up.
pub(super) struct Context {
    table: String,
    source: Arc<dyn TableSource>,
    options: ConfigOptions,
}

struct Functions {
    scalar: HashMap<String, Arc<ScalarUDF>>,
    aggregate: HashMap<&'static str, Arc<AggregateUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions {
    scalar: SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| CONSTANT_FUNCTIONS.contains(&function.name()))
        .map(|function| (function.name().to_owned(), function))
        .collect(),
    // Aggregates are translated and never run; what they may be applied to is for the schema to say,
    // in words that name the column.
    aggregate: [("count", DataType::Int64), ("sum", DataType::Float64), ("avg", DataType::Float64)]
        .map(|(name, result)| (name, Arc::new(symbol(name, result))))
        .into(),
    planners: SessionStateDefaults::default_expr_planners(),
});

fn symbol(name: &str, result: DataType) -> AggregateUDF {
    let never: AccumulatorFactoryFunction =
        Arc::new(|_| plan_err!("aggregates of encrypted columns do not run here"));
    let signature = Signature::any(1, Volatility::Immutable);
    AggregateUDF::from(SimpleAggregateUDF::new_with_signature(name, signature, result, never, vec![]))
}

/// How a column looks to SQL; `None` if it is not encrypted.
pub(super) fn data_type(column: &Column) -> Option<DataType> {
    let number = |scale: u8| {
        let scale = scale.max(column.measure.as_ref().map_or(0, |measure| measure.scale));
        if scale == 0 { DataType::Int64 } else { DataType::Decimal128(38, i8::try_from(scale).unwrap_or(0)) }
    };
    match (&column.dimension, &column.measure) {
        (Some(Domain::Category { .. }), _) => Some(DataType::Utf8),
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

    /// The condition of a statement over the columns of `relation`, as written: nothing is coerced.
    pub(super) fn condition(&self, relation: &str, condition: ast::Expr) -> Result<Expr, SqlError> {
        let shown = condition.to_string().replace('"', "");
        DFSchema::try_from_qualified_schema(relation, &self.source.schema())
            .and_then(|schema| self.planner().sql_to_expr(condition, &schema, &mut PlannerContext::new()))
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

    /// Folds constants and undoes what hides a column in one coerced comparison.
    pub(super) fn simplify(columns: &Arc<DFSchema>, expr: &Expr) -> Result<Expr, SqlError> {
        Self::simplifier(columns).simplify(expr.clone()).map_err(|error| refusal(&fragment::of(expr), &error))
    }

    fn simplifier(columns: &Arc<DFSchema>) -> ExprSimplifier {
        ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::clone(columns)).build())
    }
}

/// DataFusion's refusal in our terms. What is common has been refused before with better words.
fn refusal(shown: &str, error: &DataFusionError) -> SqlError {
    let root = error.find_root();
    let reason = shorten(root.message().lines().next().unwrap_or_default());
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
        &FUNCTIONS.planners
    }
    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        FUNCTIONS.scalar.get(name).cloned()
    }
    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }
    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        FUNCTIONS.aggregate.get(name).cloned()
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
        CONSTANT_FUNCTIONS.map(str::to_owned).to_vec()
    }
    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn udaf_names(&self) -> Vec<String> {
        ["count", "sum", "avg"].map(str::to_owned).to_vec()
    }
    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

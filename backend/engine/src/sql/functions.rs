//! The functions that a question may use. Aggregates are names only: they are translated and never
//! run. Functions of single values do run, on constants and on the values of a dimension; only those
//! are allowed whose results are small whatever their arguments: `lpad('a', 2000000000)` would be an
//! attack on memory.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchemaRef, DataFusionError, plan_err,
        tree_node::{Transformed, TreeNode},
    },
    execution::SessionStateDefaults,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ScalarUDF, Signature, Volatility,
        expr::ScalarFunction,
        function::AccumulatorArgs,
        planner::ExprPlanner,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

mod own;

/// Functions of DataFusion.
const SCALAR: [&str; 15] = [
    "character_length",
    "coalesce",
    "date_part",
    "date_trunc",
    "greatest",
    "least",
    "left",
    "make_date",
    "nullif",
    "nvl",
    "nvl2",
    "right",
    "strpos",
    "substr",
    "to_date",
];

/// Other names of functions.
const ALIASES: [(&str, &str); 4] = [
    ("char_length", "character_length"),
    ("length", "character_length"),
    ("ifnull", "nvl"),
    ("datetrunc", "date_trunc"),
];

/// Aggregates, and whether their result has the type of their argument.
const AGGREGATES: [(&str, bool); 32] = [
    ("approx_distinct", false),
    ("approx_median", true),
    ("approx_percentile_cont", true),
    ("avg", false),
    ("corr", false),
    ("count", false),
    ("covar", false),
    ("covar_pop", false),
    ("covar_samp", false),
    ("max", true),
    ("mean", false),
    ("median", true),
    ("min", true),
    ("percentile_cont", true),
    ("percentile_disc", true),
    ("quantile_cont", true),
    ("regr_avgx", false),
    ("regr_avgy", false),
    ("regr_count", false),
    ("regr_intercept", false),
    ("regr_r2", false),
    ("regr_slope", false),
    ("stddev", false),
    ("stddev_pop", false),
    ("stddev_samp", false),
    ("sum", false),
    ("var", false),
    ("var_pop", false),
    ("var_population", false),
    ("var_samp", false),
    ("var_sample", false),
    ("variance", false),
];

struct Functions {
    scalar: HashMap<String, Arc<ScalarUDF>>,
    aggregate: HashMap<&'static str, Arc<AggregateUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut scalar: HashMap<String, Arc<ScalarUDF>> = SessionStateDefaults::default_scalar_functions()
        .into_iter()
        .filter(|function| SCALAR.contains(&function.name()))
        .map(|function| (function.name().to_owned(), function))
        .collect();
    for (alias, name) in ALIASES {
        if let Some(function) = scalar.get(name).cloned() {
            scalar.insert(alias.to_owned(), function);
        }
    }
    for function in own::all() {
        scalar.insert(function.name().to_owned(), Arc::new(function));
    }
    let symbol = |(name, of_argument)| (name, Arc::new(AggregateUDF::from(Symbol::new(name, of_argument))));
    let aggregate = AGGREGATES.map(symbol).into();
    Functions { scalar, aggregate, planners: SessionStateDefaults::default_expr_planners() }
});

/// The function of single values with this name.
pub(super) fn scalar(name: &str) -> Option<Arc<ScalarUDF>> {
    FUNCTIONS.scalar.get(name).cloned()
}

/// The aggregate with this name.
pub(super) fn aggregate(name: &str) -> Option<Arc<AggregateUDF>> {
    FUNCTIONS.aggregate.get(name).cloned()
}

/// Replaces the functions that DataFusion runs only after its simplifier has written them as CASE.
pub(super) fn expanded(columns: &DFSchemaRef, expr: Expr) -> Result<Expr, DataFusionError> {
    let context = SimplifyContext::builder().with_schema(Arc::clone(columns)).build();
    let found = expr.transform_up(|part| match part {
        Expr::ScalarFunction(call) if matches!(call.name(), "coalesce" | "nvl" | "nvl2") => {
            Ok(match call.func.simplify(call.args, &context)? {
                ExprSimplifyResult::Simplified(expr) => Transformed::yes(expr),
                ExprSimplifyResult::Original(args) => {
                    Transformed::no(Expr::ScalarFunction(ScalarFunction { func: call.func, args }))
                }
            })
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(found.data)
}

/// All functions of single values.
pub(super) fn scalar_names() -> Vec<String> {
    let mut names: Vec<_> = FUNCTIONS.scalar.keys().cloned().collect();
    names.sort_unstable();
    names
}

/// All aggregates.
pub(super) fn aggregate_names() -> Vec<String> {
    AGGREGATES.map(|(name, _)| name.to_owned()).to_vec()
}

/// How the parser's own forms become functions.
pub(super) fn planners() -> &'static [Arc<dyn ExprPlanner>] {
    &FUNCTIONS.planners
}

/// The name of an aggregate. What it may be applied to is for the schema to say, in words that name
/// the column.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Symbol {
    name: &'static str,
    of_argument: bool,
    signature: Signature,
}

impl Symbol {
    fn new(name: &'static str, of_argument: bool) -> Self {
        Self { name, of_argument, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for Symbol {
    fn name(&self) -> &str {
        self.name
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(match arguments.first() {
            Some(argument) if self.of_argument => argument.clone(),
            _ if self.name.contains("count") || self.name.contains("distinct") => DataType::Int64,
            _ => DataType::Float64,
        })
    }
    fn supports_within_group_clause(&self) -> bool {
        self.name.starts_with("percentile") || self.name == "approx_percentile_cont"
    }
    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>, DataFusionError> {
        plan_err!("aggregates of encrypted columns do not run here")
    }
}

//! An expression over one or two dimensions, computed by DataFusion for every value they have. What
//! comes out is exact whatever the expression is: LIKE, `date_trunc`, CASE or arithmetic.

use std::{cell::Cell, collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array},
        compute::take,
        datatypes::{DataType, Field, Schema as ArrowSchema},
    },
    common::{
        Column, DFSchema, DataFusionError, ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, ExprSchemable, execution_props::ExecutionProps,
        physical_planning_context::PhysicalPlanningContext,
    },
    physical_expr::create_physical_expr,
};
use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    schema::{ColumnId, Schema},
};

use super::{
    constant::{self, Constant},
    context::{self, Context},
    domain::{self, MAX_VALUES, Values},
    error::SqlError,
    fragment, functions,
};

mod allowed;

/// The most codes of the smaller of two dimensions that are compared code by code.
const MAX_PAIRED_CODES: u32 = 64;
/// The most values that are computed for one question, counted once for every operation.
const MAX_WORK: u64 = 100_000_000;

/// What expressions are about.
pub(super) struct Scope<'a> {
    pub(super) schema: &'a Schema,
    /// The columns as the planner knows them.
    pub(super) columns: Arc<DFSchema>,
    work: Cell<u64>,
}

/// What an expression is for every combination of codes of the columns it looks at.
pub(super) struct Table {
    columns: Vec<ColumnId>,
    /// Row-major.
    cells: Vec<Constant>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(schema: &'a Schema, columns: Arc<DFSchema>) -> Self {
        Self { schema, columns, work: Cell::new(0) }
    }

    /// The columns of an expression, sorted, each once.
    pub(super) fn columns_of(&self, expr: &Expr) -> Vec<ColumnId> {
        let mut ids: Vec<_> =
            expr.column_refs().into_iter().filter_map(|column| self.schema.find(&column.name)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The type of an expression as DataFusion has it.
    pub(super) fn data_type(&self, expr: &Expr) -> Option<DataType> {
        expr.get_type(self.columns.as_ref()).ok()
    }

    /// The value of an expression without columns.
    pub(super) fn constant(&self, expr: &Expr) -> Option<Constant> {
        if let Expr::Literal(value, _) = expr {
            return constant::read(value).map(Constant::normal);
        }
        if !expr.column_refs().is_empty() {
            return None;
        }
        self.tabulate(expr).ok().and_then(|table| table.cells.into_iter().next())
    }

    /// Whether an expression can be computed for all values of its columns.
    pub(super) fn is_small(&self, expr: &Expr) -> bool {
        let ids = self.columns_of(expr);
        let columns = || ids.iter().map(|id| self.schema.column(*id));
        if columns().any(|column| column.dimension.is_none()) {
            return false;
        }
        match ids.len() {
            0 => true,
            1 => columns().all(|column| domain::count(column) <= MAX_VALUES) || allowed::is_monotone(expr),
            2 => {
                columns().map(domain::count).fold(1, u64::saturating_mul) <= MAX_VALUES
                    && columns().map(|column| column.codes()).min().unwrap_or(0) <= MAX_PAIRED_CODES
            }
            _ => false,
        }
    }

    /// Computes an expression, as it was written, for all values of its columns; see
    /// [`Scope::is_small`].
    ///
    /// # Errors
    /// When it cannot be computed, or differs between values that have the same code.
    pub(super) fn tabulate(&self, expr: &Expr) -> Result<Table, SqlError> {
        allowed::check(expr)?;
        let ids = self.columns_of(expr);
        if !self.is_small(expr) {
            let reason = "this would have to be computed for too many values of its columns";
            let hint = "compare the column itself with constants, or ask for coarser buckets";
            return Err(SqlError::unsupported(fragment::of(expr), reason, hint));
        }
        let mut values = Vec::with_capacity(ids.len());
        for id in &ids {
            let column = self.schema.column(*id);
            let all = domain::count(column) <= MAX_VALUES;
            values
                .push(if all { domain::all(column) } else { domain::ends(column) }.ok_or(SqlError::Failed)?);
        }
        let (arrays, codes) = joined(&values)?;
        let rows = codes.first().map_or(1, Vec::len);
        self.spend(expr, rows as u64)?;
        let found = self.evaluate(expr, &ids, arrays, rows)?;
        self.by_code(expr, ids, &codes, &found)
    }

    fn spend(&self, expr: &Expr, rows: u64) -> Result<(), SqlError> {
        let mut operations = 0u64;
        // It never fails: the closure does not.
        let _ = expr.apply(|part| {
            operations += u64::from(!matches!(part, Expr::Literal(..)));
            Ok(TreeNodeRecursion::Continue)
        });
        let work = self.work.get().saturating_add(operations.saturating_mul(rows));
        self.work.set(work);
        if work > MAX_WORK {
            let reason = "its conditions would be computed for too many values".to_owned();
            return Err(SqlError::TooComplex { reason });
        }
        Ok(())
    }

    fn evaluate(
        &self,
        expr: &Expr,
        ids: &[ColumnId],
        arrays: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<ArrayRef, SqlError> {
        let refused = |error: &DataFusionError| context::refusal(&fragment::of(expr), error);
        let fields: Vec<Field> = ids
            .iter()
            .filter_map(|id| {
                let column = self.schema.column(*id);
                Some(Field::new(&column.name, context::data_type(column)?, column.nullable))
            })
            .collect();
        let arrow = Arc::new(ArrowSchema::new(fields));
        let columns = Arc::new(DFSchema::try_from(Arc::clone(&arrow)).map_err(|error| refused(&error))?);
        let coerced = Context::coerce(&columns, &unqualified(expr))?;
        let coerced = functions::expanded(&columns, coerced).map_err(|error| refused(&error))?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(arrow, arrays, &options)
            .map_err(|error| refused(&DataFusionError::from(error)))?;
        let (properties, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        create_physical_expr(&coerced, &columns, &properties, &planning)
            .and_then(|physical| physical.evaluate(&batch))
            .and_then(|found| found.into_array(rows))
            .map_err(|error| refused(&error))
    }

    /// One value for every combination of codes.
    fn by_code(
        &self,
        expr: &Expr,
        ids: Vec<ColumnId>,
        codes: &[Vec<u32>],
        found: &ArrayRef,
    ) -> Result<Table, SqlError> {
        let sizes: Vec<usize> = ids.iter().map(|id| self.schema.column(*id).codes() as usize).collect();
        let mut cells: Vec<Option<Constant>> = vec![None; sizes.iter().product()];
        for row in 0..found.len() {
            let scalar = ScalarValue::try_from_array(found, row).map_err(|_| SqlError::Failed)?;
            let value = constant::read(&scalar).map(Constant::normal).ok_or_else(|| {
                let reason = format!("its value {scalar} of type {} is not answered", scalar.data_type());
                SqlError::mismatch(fragment::of(expr), reason, "use texts, numbers, dates and booleans")
            })?;
            let cell =
                codes.iter().zip(&sizes).fold(0, |cell, (codes, size)| cell * size + codes[row] as usize);
            match &cells[cell] {
                None => cells[cell] = Some(value),
                Some(known) if *known == value => {}
                Some(_) => {
                    let wide = ids.iter().zip(codes).find(|(id, _)| {
                        self.schema.column(**id).dimension.as_ref().is_some_and(|domain| !domain.is_exact())
                    });
                    let Some((id, codes)) = wide else { return Err(SqlError::Failed) };
                    return Err(domain::cut(self.schema.column(*id), codes[row], fragment::of(expr)));
                }
            }
        }
        let cells = cells.into_iter().collect::<Option<Vec<_>>>().ok_or(SqlError::Failed)?;
        Ok(Table { columns: ids, cells })
    }
}

impl Table {
    /// All values, each once, in the order of the codes.
    pub(super) fn values(&self) -> Vec<&Constant> {
        let mut seen = std::collections::HashSet::new();
        self.cells.iter().filter(|value| seen.insert(*value)).collect()
    }

    /// The rows for which the expression has a value that is `wanted`.
    pub(super) fn rows(&self, schema: &Schema, wanted: impl Fn(&Constant) -> bool) -> Predicate {
        let set = |cells: &[Constant]| {
            let codes = (0..).zip(cells).filter(|(_, value)| wanted(value)).map(|(code, _)| code);
            CodeSet::from_codes(codes)
        };
        match self.columns.as_slice() {
            [] if self.cells.first().is_some_and(&wanted) => Predicate::All,
            [] => Predicate::Nothing,
            [column] => Predicate::column_in(schema, *column, set(&self.cells)),
            [first, second, ..] => {
                let size = schema.column(*second).codes().max(1) as usize;
                // Codes of the first column that go with the same codes of the second.
                let mut alike: HashMap<CodeSet, Vec<u32>> = HashMap::new();
                for (code, cells) in (0..).zip(self.cells.chunks(size)) {
                    alike.entry(set(cells)).or_default().push(code);
                }
                let pairs = alike.into_iter().map(|(seconds, firsts)| {
                    let first = Predicate::column_in(schema, *first, CodeSet::from_codes(firsts));
                    Predicate::and(schema, vec![first, Predicate::column_in(schema, *second, seconds)])
                });
                Predicate::or(schema, pairs.collect())
            }
        }
    }
}

/// Every combination of the values of up to two dimensions.
fn joined(values: &[Values]) -> Result<(Vec<ArrayRef>, Vec<Vec<u32>>), SqlError> {
    let [first, second] = values else {
        let arrays = values.iter().map(|one| Arc::clone(&one.array)).collect();
        return Ok((arrays, values.iter().map(|one| one.codes.clone()).collect()));
    };
    let (many, each) = (first.codes.len(), second.codes.len());
    let index = |of: &dyn Fn(usize) -> usize| -> Vec<u32> {
        (0..many * each).map(|row| u32::try_from(of(row)).unwrap_or(0)).collect()
    };
    let places = [index(&|row| row / each), index(&|row| row % each)];
    let mut arrays = Vec::new();
    let mut codes = Vec::new();
    for (one, places) in [first, second].into_iter().zip(places) {
        codes.push(places.iter().map(|place| one.codes[*place as usize]).collect());
        let places = UInt32Array::from(places);
        arrays.push(take(&one.array, &places, None).map_err(|_| SqlError::Failed)?);
    }
    Ok((arrays, codes))
}

fn unqualified(expr: &Expr) -> Expr {
    let plain = |part: Expr| {
        Ok(match part {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::new_unqualified(column.name))),
            other => Transformed::no(other),
        })
    };
    expr.clone().transform(plain).map_or_else(|_| expr.clone(), |transformed| transformed.data)
}

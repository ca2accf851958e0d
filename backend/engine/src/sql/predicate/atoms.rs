//! Comparisons of one column with constants, as sets of codes.

use std::collections::HashSet;

use datafusion::logical_expr::{Expr, Operator};
use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    schema::{Column, ColumnId, Domain, Schema},
};

use super::{
    super::{error::SqlError, types},
    Truth,
    constant::{self, Constant, InUnits},
    fragment, operand,
};

/// Beyond every constant in units of a column.
const FAR: i128 = 1 << 110;

/// The comparisons of one dimension.
pub(super) struct Atoms<'a> {
    schema: &'a Schema,
    whole: &'a Expr,
    id: ColumnId,
    column: &'a Column,
    domain: &'a Domain,
}

impl<'a> Atoms<'a> {
    /// Comparisons of the column that `side` is, within the expression `whole`.
    pub(super) fn new(schema: &'a Schema, whole: &'a Expr, side: &Expr) -> Result<Self, SqlError> {
        let id = operand::column(schema, side).ok_or_else(|| super::refused(side))?;
        Self::of_column(schema, id, whole)
    }

    /// Comparisons of a column.
    pub(super) fn of_column(schema: &'a Schema, id: ColumnId, whole: &'a Expr) -> Result<Self, SqlError> {
        let id = super::dimension(schema, whole, id)?;
        let column = schema.column(id);
        match &column.dimension {
            Some(domain) => Ok(Self { schema, whole, id, column, domain }),
            None => Err(super::refused(whole)),
        }
    }

    /// IS NULL.
    pub(super) fn null(&self) -> Result<Truth, SqlError> {
        let yes = CodeSet::from_codes(self.column.null_code());
        let no = yes.complement(self.column.codes());
        Ok(self.truth(yes, no))
    }

    /// The column equals one of the constants, none of which is NULL.
    pub(super) fn equal(&self, wanted: &[Constant]) -> Result<Truth, SqlError> {
        match self.domain {
            Domain::Category { values } => {
                let mut texts = HashSet::with_capacity(wanted.len());
                for constant in wanted {
                    let Constant::Text(text) = constant else { return Err(self.mismatch()) };
                    texts.insert(text.as_str());
                }
                // A text that is no category is legal SQL and equals nothing.
                Ok(self.split(|code| texts.contains(values[code as usize].as_str())))
            }
            Domain::Boolean => {
                let mut codes = Vec::with_capacity(wanted.len());
                for constant in wanted {
                    let Constant::Boolean(b) = constant else { return Err(self.mismatch()) };
                    codes.push(u32::from(*b));
                }
                Ok(self.split(|code| codes.contains(&code)))
            }
            Domain::Integer { .. } | Domain::Buckets { .. } | Domain::Date { .. } => {
                let mut ranges = Vec::with_capacity(wanted.len());
                for constant in wanted {
                    let units = self.units(constant)?;
                    if units.exact {
                        ranges.push((units.floor, units.floor + 1));
                    }
                }
                self.in_ranges(ranges)
            }
        }
    }

    /// `<`, `<=`, `>` or `>=` a constant that is not NULL.
    pub(super) fn ordered(&self, op: Operator, constant: &Constant) -> Result<Truth, SqlError> {
        if matches!(self.domain, Domain::Category { .. } | Domain::Boolean) {
            let reason = format!("`{}` has no order", self.column.name);
            let hint = "use =, <> or IN; the schema lists its values";
            return Err(SqlError::unsupported(fragment::of(self.whole), reason, hint));
        }
        let InUnits { floor, exact } = self.units(constant)?;
        let ceiling = floor + i128::from(!exact);
        let range = match op {
            Operator::Lt => (-FAR, ceiling),
            Operator::LtEq => (-FAR, floor + 1),
            Operator::Gt => (floor + 1, FAR),
            Operator::GtEq => (ceiling, FAR),
            _ => return Err(super::refused(self.whole)),
        };
        self.in_ranges(vec![range])
    }

    /// Decimal places of the column's values: those of its edges, and those that its sums keep.
    fn places(&self) -> u8 {
        match self.domain {
            Domain::Buckets { scale, .. } => {
                self.column.measure.as_ref().map_or(*scale, |measure| measure.scale.max(*scale))
            }
            _ => 0,
        }
    }

    /// How many of the column's units an edge counts.
    fn units_of_an_edge(&self) -> i64 {
        match self.domain {
            Domain::Buckets { scale, .. } => 10i64.pow(u32::from(self.places() - *scale)),
            _ => 1,
        }
    }

    /// A constant in the column's units.
    fn units(&self, constant: &Constant) -> Result<InUnits, SqlError> {
        match (constant, self.domain) {
            (Constant::Number { mantissa, scale }, Domain::Integer { .. } | Domain::Buckets { .. }) => {
                Ok(constant::in_units(*mantissa, *scale, self.places()))
            }
            (Constant::Date(days), Domain::Date { .. }) => {
                Ok(InUnits { floor: i128::from(*days), exact: true })
            }
            _ => Err(self.mismatch()),
        }
    }

    /// Codes whose values all lie in the ranges, and those of which none does. Values are whole
    /// units, so a range of them is a range of integers.
    fn in_ranges(&self, mut ranges: Vec<(i128, i128)>) -> Result<Truth, SqlError> {
        // They are disjoint: one range, or single units.
        let edge = i128::from(self.units_of_an_edge());
        ranges.sort_unstable();
        ranges.dedup();
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for code in 0..self.domain.size() {
            let Some(edges) = self.domain.interval(code) else { continue };
            let (low, high) = (i128::from(edges.0) * edge, i128::from(edges.1) * edge);
            let first = ranges.partition_point(|(_, end)| *end <= low);
            let covered: i128 = ranges[first..]
                .iter()
                .take_while(|(start, _)| *start < high)
                .map(|(start, end)| high.min(*end) - low.max(*start))
                .sum();
            if covered == high - low {
                yes.push(code);
            } else if covered == 0 {
                no.push(code);
            } else {
                return Err(self.cut(edges.0, edges.1));
            }
        }
        Ok(self.truth(CodeSet::from_codes(yes), CodeSet::from_codes(no)))
    }

    fn split(&self, selected: impl Fn(u32) -> bool) -> Truth {
        let (yes, no): (Vec<u32>, Vec<u32>) = (0..self.domain.size()).partition(|code| selected(*code));
        self.truth(CodeSet::from_codes(yes), CodeSet::from_codes(no))
    }

    fn truth(&self, yes: CodeSet, no: CodeSet) -> Truth {
        Truth {
            yes: Predicate::column_in(self.schema, self.id, yes),
            no: Predicate::column_in(self.schema, self.id, no),
        }
    }

    fn mismatch(&self) -> SqlError {
        let reason = format!("the constant has another type than `{}`", self.column.name);
        SqlError::mismatch(fragment::of(self.whole), reason, &types::advice(self.column))
    }

    fn cut(&self, low: i64, high: i64) -> SqlError {
        let name = &self.column.name;
        let edge = |edge: i64| match self.domain {
            Domain::Buckets { scale, .. } => constant::decimal(edge, *scale),
            Domain::Date { .. } => constant::date(edge),
            _ => edge.to_string(),
        };
        let (low, high) = (edge(low), edge(high));
        let reason =
            format!("`{name}` is published in buckets, and this would cut the one from {low} up to {high}");
        let hint = format!("compare with its edges: {name} >= {low}, {name} < {high}");
        SqlError::unsupported(fragment::of(self.whole), reason, &hint)
    }
}

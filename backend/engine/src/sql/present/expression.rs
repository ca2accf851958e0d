//! Expressions over totals and grouping keys, for the client that opens the answer.

use datafusion::{
    arrow::datatypes::DataType,
    logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList},
};
use sordino_protocol::presentation::{BinaryOperator, PostExpression, UnaryOperator};

use super::{Above, kinds::Kind};
use crate::sql::{
    constant::{self, Constant},
    error::SqlError,
    fragment,
};

/// An expression and its kind.
type Typed = (PostExpression, Kind);

impl Above<'_> {
    /// An expression of the SELECT list.
    pub(super) fn expression(&mut self, expr: &Expr) -> Result<PostExpression, SqlError> {
        self.typed(expr).map(|(found, _)| found)
    }

    /// A condition on groups.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<PostExpression, SqlError> {
        let found = self.typed(expr)?;
        self.boolean(expr, found)
    }

    fn typed(&mut self, expr: &Expr) -> Result<Typed, SqlError> {
        match expr {
            Expr::Alias(alias) => self.typed(&alias.expr),
            Expr::Column(_) => {
                let field = self.field(expr).ok_or(SqlError::Failed)?;
                let found = self.output(field, None)?;
                let kind = match &found {
                    PostExpression::Output(index) => {
                        self.outputs.get(usize::from(*index)).map(|output| output.expression.clone())
                    }
                    _ => None,
                };
                Ok((found, kind.map_or(Kind::Any, |expression| self.kind(&expression))))
            }
            Expr::Literal(value, _) => constant::read(value)
                .map(|constant| literal(&constant))
                .ok_or_else(|| self.refused(expr, "this constant is not answered", "")),
            Expr::Not(inner) => {
                let found = self.typed(inner)?;
                Ok(unary(UnaryOperator::Not, self.boolean(inner, found)?, Kind::Boolean))
            }
            Expr::Negative(inner) => {
                let found = self.typed(inner)?;
                Ok(unary(UnaryOperator::Negate, self.number(inner, found)?, Kind::Number))
            }
            Expr::IsNull(inner) => Ok(unary(UnaryOperator::IsNull, self.typed(inner)?.0, Kind::Boolean)),
            Expr::IsNotNull(inner) => {
                Ok(unary(UnaryOperator::IsNotNull, self.typed(inner)?.0, Kind::Boolean))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => self.binary(expr, left, *op, right),
            Expr::Between(between) => self.between(expr, between),
            Expr::InList(list) => self.listed(expr, list),
            Expr::Cast(cast) => self.cast(expr, &cast.expr, cast.field.data_type()),
            Expr::TryCast(cast) => self.cast(expr, &cast.expr, cast.field.data_type()),
            // What has no columns is computed here.
            other => match self.scope.constant(other).map(|constant| literal(&constant)) {
                Some(found) => Ok(found),
                None => {
                    let reason = "the client computes with +, -, *, /, comparisons, AND, OR and NOT only";
                    Err(self.refused(expr, reason, "show the totals and compute with them"))
                }
            },
        }
    }

    fn binary(&mut self, whole: &Expr, left: &Expr, op: Operator, right: &Expr) -> Result<Typed, SqlError> {
        // The client's division by zero is NULL anyway.
        let right = match (op, right) {
            (Operator::Divide, Expr::ScalarFunction(function)) if function.name() == "nullif" => {
                match function.args.as_slice() {
                    [divisor, zero] if self.scope.constant(zero).is_some_and(|zero| zero.digits() == "0") => {
                        divisor
                    }
                    _ => right,
                }
            }
            _ => right,
        };
        let (a, b) = (self.typed(left)?, self.typed(right)?);
        let operator = match op {
            Operator::Plus => BinaryOperator::Add,
            Operator::Minus => BinaryOperator::Subtract,
            Operator::Multiply => BinaryOperator::Multiply,
            Operator::Divide => BinaryOperator::Divide,
            Operator::And => BinaryOperator::And,
            Operator::Or => BinaryOperator::Or,
            Operator::Eq => BinaryOperator::Equal,
            Operator::NotEq => BinaryOperator::NotEqual,
            Operator::Lt => BinaryOperator::Less,
            Operator::LtEq => BinaryOperator::LessOrEqual,
            Operator::Gt => BinaryOperator::Greater,
            Operator::GtEq => BinaryOperator::GreaterOrEqual,
            _ => {
                return Err(self.refused(
                    whole,
                    "the client does not compute this",
                    "show the totals themselves",
                ));
            }
        };
        match op {
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide => {
                let (a, b) = (self.number(left, a)?, self.number(right, b)?);
                Ok(binary(operator, a, b, Kind::Number))
            }
            Operator::And | Operator::Or => {
                let (a, b) = (self.boolean(left, a)?, self.boolean(right, b)?);
                Ok(binary(operator, a, b, Kind::Boolean))
            }
            _ => {
                self.comparable(whole, &a, &b)?;
                Ok(binary(operator, a.0, b.0, Kind::Boolean))
            }
        }
    }

    fn between(&mut self, whole: &Expr, between: &Between) -> Result<Typed, SqlError> {
        let low = self.binary(whole, &between.expr, Operator::GtEq, &between.low)?.0;
        let high = self.binary(whole, &between.expr, Operator::LtEq, &between.high)?.0;
        let both = binary(BinaryOperator::And, low, high, Kind::Boolean);
        Ok(if between.negated { unary(UnaryOperator::Not, both.0, Kind::Boolean) } else { both })
    }

    fn listed(&mut self, whole: &Expr, list: &InList) -> Result<Typed, SqlError> {
        let mut any = (PostExpression::Boolean(false), Kind::Boolean);
        for item in &list.list {
            let equal = self.binary(whole, &list.expr, Operator::Eq, item)?.0;
            any = match any.0 {
                PostExpression::Boolean(false) => (equal, Kind::Boolean),
                other => binary(BinaryOperator::Or, other, equal, Kind::Boolean),
            };
        }
        Ok(if list.negated { unary(UnaryOperator::Not, any.0, Kind::Boolean) } else { any })
    }

    /// A CAST that changes no value.
    fn cast(&mut self, whole: &Expr, inner: &Expr, to: &DataType) -> Result<Typed, SqlError> {
        if let Some(found) = self.scope.constant(whole).map(|constant| literal(&constant)) {
            return Ok(found);
        }
        let found = self.typed(inner)?;
        match (found.1, to) {
            (Kind::Number, DataType::Float64) | (Kind::Any, _) => Ok(found),
            (Kind::Date, DataType::Date32) | (Kind::Text, DataType::Utf8) => Ok(found),
            _ => {
                let hint = "leave it out, or cast to DOUBLE: divisions give fractions anyway";
                Err(self.refused(whole, "this CAST may round, and the client does not round", hint))
            }
        }
    }

    fn number(&self, expr: &Expr, (found, kind): Typed) -> Result<PostExpression, SqlError> {
        match kind {
            Kind::Number | Kind::Any => Ok(found),
            other => Err(self.mismatch(expr, &format!("this is {}, not a number", other.article()))),
        }
    }

    fn boolean(&self, expr: &Expr, (found, kind): Typed) -> Result<PostExpression, SqlError> {
        match kind {
            Kind::Boolean | Kind::Any => Ok(found),
            other => Err(self.mismatch(expr, &format!("this is {}, not a condition", other.article()))),
        }
    }

    fn comparable(&self, whole: &Expr, (left, a): &Typed, (right, b): &Typed) -> Result<(), SqlError> {
        let dated = |text: &PostExpression| match text {
            PostExpression::Text(text) => {
                text.parse::<chrono::NaiveDate>().is_ok_and(|date| date.to_string() == *text)
            }
            _ => false,
        };
        match (a, b) {
            (Kind::Bucket, _) | (_, Kind::Bucket) => {
                let hint = "compare it in WHERE, with the edges of its buckets";
                Err(self.refused(whole, "the client does not compare buckets", hint))
            }
            (Kind::Any, _) | (_, Kind::Any) => Ok(()),
            (Kind::Date, Kind::Text) if dated(right) => Ok(()),
            (Kind::Text, Kind::Date) if dated(left) => Ok(()),
            (a, b) if a == b => Ok(()),
            (a, b) => Err(self.mismatch(whole, &format!("{} is compared with {}", a.article(), b.article()))),
        }
    }

    fn refused(&self, expr: &Expr, reason: &str, hint: &str) -> SqlError {
        SqlError::unsupported(fragment::of(&self.written(expr)), reason, hint)
    }

    fn mismatch(&self, expr: &Expr, reason: &str) -> SqlError {
        SqlError::mismatch(fragment::of(&self.written(expr)), reason, "")
    }
}

fn literal(constant: &Constant) -> Typed {
    match constant {
        Constant::Null => (PostExpression::Null, Kind::Any),
        Constant::Boolean(b) => (PostExpression::Boolean(*b), Kind::Boolean),
        Constant::Text(text) => (PostExpression::Text(text.clone()), Kind::Text),
        Constant::Number { .. } => (PostExpression::Number(constant.digits()), Kind::Number),
        Constant::Date(days) => (PostExpression::Text(constant::date(*days)), Kind::Date),
    }
}

fn unary(operator: UnaryOperator, of: PostExpression, kind: Kind) -> Typed {
    (PostExpression::Unary { operator, of: Box::new(of) }, kind)
}

fn binary(operator: BinaryOperator, left: PostExpression, right: PostExpression, kind: Kind) -> Typed {
    (PostExpression::Binary { operator, left: Box::new(left), right: Box::new(right) }, kind)
}

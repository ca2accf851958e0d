//! The types of outputs, as far as a client that computes with them must tell them apart.

use sordino_protocol::{
    query::{Expression, GroupKey, LabelKind},
    schema::{Column, Domain},
};

use super::Above;

/// What kind of values an expression over outputs has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Boolean,
    Date,
    /// A bucket of several values: it is shown, but neither compared nor computed with.
    Bucket,
    /// NULL.
    Any,
}

impl Kind {
    pub(super) const fn article(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Boolean => "a boolean",
            Self::Date => "a date",
            Self::Bucket => "a bucket of several values",
            Self::Any => "NULL",
        }
    }

    fn of_codes(column: &Column) -> Self {
        match &column.dimension {
            Some(Domain::Boolean) => Self::Boolean,
            Some(Domain::Category { .. } | Domain::Order { .. }) | None => Self::Text,
            Some(domain) if !domain.is_exact() => Self::Bucket,
            Some(Domain::Date { .. }) => Self::Date,
            Some(Domain::Integer { .. } | Domain::Buckets { .. }) => Self::Number,
        }
    }
}

impl Above<'_> {
    /// The kind of an output of the query.
    pub(super) fn kind(&self, expression: &Expression) -> Kind {
        match expression {
            Expression::Group(key) => match self.groups.get(usize::from(*key)) {
                Some(GroupKey::Codes(id)) => Kind::of_codes(self.scope.schema.column(*id)),
                Some(GroupKey::Classes { kind, .. }) => match kind {
                    LabelKind::Text => Kind::Text,
                    LabelKind::Integer | LabelKind::Decimal => Kind::Number,
                    LabelKind::Boolean => Kind::Boolean,
                    LabelKind::Date => Kind::Date,
                },
                Some(GroupKey::Largest { .. }) => Kind::Text,
                None => Kind::Any,
            },
            Expression::Quantile { column, .. } => Kind::of_codes(self.scope.schema.column(*column)),
            Expression::Count(_)
            | Expression::Band { .. }
            | Expression::Sum(_)
            | Expression::Average(_)
            | Expression::Spread { .. }
            | Expression::Pair { .. }
            | Expression::Distinct { .. } => Kind::Number,
        }
    }

    /// Whether the classes of a key come in the ascending order of their values, NULL last.
    pub(super) fn is_sorted(&self, key: usize) -> bool {
        match self.groups.get(key) {
            Some(GroupKey::Codes(id)) => match &self.scope.schema.column(*id).dimension {
                Some(Domain::Category { values }) => values.is_sorted(),
                Some(Domain::Order { .. }) | None => false,
                Some(_) => true,
            },
            Some(GroupKey::Classes { kind: LabelKind::Text | LabelKind::Date, classes }) => {
                let labels: Vec<_> = classes.iter().filter_map(|class| class.label.as_deref()).collect();
                labels.is_sorted()
            }
            Some(GroupKey::Classes { .. } | GroupKey::Largest { .. }) | None => false,
        }
    }
}

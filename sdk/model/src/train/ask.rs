//! From many statistics over the same groups to as few queries as the limits allow, and back.

use sordino_protocol::{
    answer::Answer,
    canonical::Canonical,
    predicate::Predicate,
    query::{
        Derivation, Expression, GroupKey, MAX_COMPUTED, MAX_GROUPS, MAX_OUTPUTS, Output, Query, QueryError,
    },
};

use super::{error::TrainError, task::Source};

/// Statistics over the same groups.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    /// Which rows count.
    pub(super) rows: Predicate,
    /// Their groups.
    pub(super) groups: Vec<GroupKey>,
    /// Counts, sums and spreads of every group.
    pub(super) expressions: Vec<Expression>,
}

/// A released number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// `None` where it is withheld.
    pub(super) value: Option<i64>,
    /// Standard deviation of its noise.
    pub(super) deviation: f64,
}

/// The released numbers of an [`Ask`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table {
    /// By expression, group and part: a count has one, a sum also the sum, a spread also the squares.
    cells: Vec<Vec<Vec<Cell>>>,
    /// What fewer rows than this stand behind is withheld.
    cohort: u32,
}

impl Cell {
    /// The number; what is withheld is of few rows and counts as 0.
    pub(super) fn or_zero(self) -> i64 {
        self.value.unwrap_or(0)
    }
}

impl Table {
    /// The parts of an expression in a group.
    pub(super) fn parts(&self, expression: usize, group: usize) -> &[Cell] {
        &self.cells[expression][group]
    }

    /// The first part: the number of rows.
    pub(super) fn count(&self, expression: usize, group: usize) -> Cell {
        self.cells[expression][group][0]
    }

    /// The middle of what a withheld count of some of `rows` rows may be.
    pub(super) fn middle_of_withheld(&self, rows: i64) -> f64 {
        i64::from(self.cohort.saturating_sub(1)).min(rows) as f64 / 2.0
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> usize {
        self.cells.first().map_or(0, Vec::len)
    }

    /// How many numbers are withheld.
    pub(super) fn withheld(&self) -> u64 {
        self.all().filter(|cell| cell.value.is_none()).count() as u64
    }

    /// How many numbers were asked for.
    pub(super) fn released(&self) -> u64 {
        self.all().count() as u64
    }

    /// The largest deviation of noise.
    pub(super) fn deviation(&self) -> f64 {
        self.all().map(|cell| cell.deviation).fold(0.0, f64::max)
    }

    fn all(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().flatten().flatten()
    }
}

impl Ask {
    /// The queries, each within the limits.
    ///
    /// # Errors
    /// When one statistic alone is too much.
    pub(super) fn queries(&self, source: &Source) -> Result<Vec<Query>, TrainError> {
        let schema = &source.schema;
        let empty = self.query(source, &[]);
        let groups = empty.group_count(schema);
        if groups > MAX_GROUPS {
            return Err(QueryError::GroupCount(groups).into());
        }
        let (mut queries, mut first) = (Vec::new(), 0);
        let (mut computed, mut released) = (1, 0);
        for position in 0..self.expressions.len() {
            let alone = self.query(source, &self.expressions[position..=position]).requirements(schema);
            // The number of rows is computed once for all of them.
            let (computes, releases) = (alone.size(schema) as u64 - 1, alone.released.len() as u64);
            if groups * releases > source.max_released_values {
                let (values, limit) = (groups * releases, source.max_released_values);
                return Err(TrainError::Released { groups, values, limit });
            }
            let full = position - first == MAX_OUTPUTS
                || groups * (computed + computes) > MAX_COMPUTED
                || groups * (released + releases) > source.max_released_values;
            if full && position > first {
                queries.push(self.query(source, &self.expressions[first..position]));
                (first, computed, released) = (position, 1, 0);
            }
            computed += computes;
            released += releases;
        }
        queries.push(self.query(source, &self.expressions[first..]));
        for query in &queries {
            query.validate(schema)?;
        }
        Ok(queries)
    }

    fn query(&self, source: &Source, expressions: &[Expression]) -> Query {
        let output = |(position, expression): (usize, &Expression)| Output {
            name: format!("s{position}"),
            expression: expression.clone(),
        };
        Query {
            dataset: source.dataset,
            outputs: expressions.iter().enumerate().map(output).collect(),
            predicate: self.rows.clone(),
            groups: self.groups.clone(),
            scores: Vec::new(),
        }
    }
}

/// Reads the answers to the queries of one [`Ask`]; `first` is the position of the first in its round.
///
/// # Errors
/// When an answer is not one to its query.
pub(super) fn read(
    source: &Source,
    queries: &[Query],
    answers: &[Answer],
    first: usize,
) -> Result<Table, TrainError> {
    let mut cells = Vec::new();
    let cohort = answers.iter().map(|answer| answer.min_cohort).max().unwrap_or(1);
    for (position, (query, answer)) in queries.iter().zip(answers).enumerate() {
        let wrong =
            |reason: &str| TrainError::Answer { position: first + position, reason: reason.to_owned() };
        if answer.query != query.digest()? {
            return Err(wrong("it answers another query: give the answers in the order of the queries"));
        }
        let needs = query.requirements(&source.schema);
        if answer.released != needs.released
            || answer.groups.len() as u64 != query.group_count(&source.schema)
            || answer.groups.iter().flat_map(|group| &group.values).any(|v| v.len() != needs.released.len())
        {
            return Err(wrong("its values are not those that the query releases"));
        }
        for positions in &needs.outputs {
            let of_group = |values: &Option<Vec<Option<i64>>>| {
                let cell = |released: &usize| {
                    let Derivation::Sum(quantity) = needs.released[*released].from else {
                        return Cell { value: None, deviation: 0.0 };
                    };
                    let deviation = answer.noise.get(quantity).copied().unwrap_or(0.0);
                    Cell { value: values.as_ref().and_then(|values| values[*released]), deviation }
                };
                positions.iter().map(cell).collect()
            };
            cells.push(answer.groups.iter().map(|group| of_group(&group.values)).collect());
        }
    }
    Ok(Table { cells, cohort })
}

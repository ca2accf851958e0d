//! From many statistics over the same groups to as few queries as the limits allow, and back.

use sordino_protocol::{
    answer::Answer,
    canonical::Canonical,
    predicate::Predicate,
    query::{
        Class, Derivation, Expression, GroupKey, LabelKind, MAX_GROUPS, MAX_OUTPUTS, Output, Query,
        QueryError,
    },
    schema::Schema,
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

    /// Whether every number is the true one. With a cohort of one, what is withheld is 0.
    pub(super) fn is_exact(&self) -> bool {
        self.all().all(|cell| (cell.value.is_some() || self.cohort <= 1) && cell.deviation == 0.0)
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
        let mut queries = Vec::new();
        for groups in self.slices(source)? {
            self.pack(source, &groups, &mut queries)?;
        }
        for query in &queries {
            query.validate(&source.schema)?;
        }
        Ok(queries)
    }

    /// The grouping keys; where even one statistic over all groups is more than a query may compute, the
    /// groups themselves, so many at a time. However the keys are made, the more groups, the more parts.
    fn slices(&self, source: &Source) -> Result<Vec<Vec<GroupKey>>, TrainError> {
        let schema = &source.schema;
        let groups = self.query(source, &self.groups, &[]).group_count(schema);
        if groups > MAX_GROUPS {
            return Err(QueryError::GroupCount(groups).into());
        }
        let (mut computes, mut releases) = (1, 1);
        for position in 0..self.expressions.len() {
            let alone = self.query(source, &[], &self.expressions[position..=position]).requirements(schema);
            computes = computes.max(alone.size(schema) as u64);
            releases = releases.max(alone.released.len() as u64);
        }
        let most = (source.max_sums() / computes).min(source.max_released_values / releases);
        if most == 0 {
            let (values, limit) = (releases, source.max_released_values);
            return Err(TrainError::Released { groups, values, limit });
        }
        if groups <= most {
            return Ok(vec![self.groups.clone()]);
        }
        let cells = cells(schema, &self.groups);
        let part = |classes: &[Class]| {
            vec![GroupKey::Classes { kind: LabelKind::Integer, classes: classes.to_vec() }]
        };
        Ok(cells.chunks(most as usize).map(part).collect())
    }

    /// Packs all statistics over these groups into as few queries as the limits allow.
    fn pack(&self, source: &Source, keys: &[GroupKey], queries: &mut Vec<Query>) -> Result<(), TrainError> {
        let schema = &source.schema;
        let groups = self.query(source, keys, &[]).group_count(schema);
        let (mut first, mut computed, mut released) = (0, 1, 0);
        for position in 0..self.expressions.len() {
            let alone = self.query(source, keys, &self.expressions[position..=position]).requirements(schema);
            // The number of rows is computed once for all of them.
            let (computes, releases) = (alone.size(schema) as u64 - 1, alone.released.len() as u64);
            let full = position - first == MAX_OUTPUTS
                || groups * (computed + computes) > source.max_sums()
                || groups * (released + releases) > source.max_released_values;
            if full && position > first {
                queries.push(self.query(source, keys, &self.expressions[first..position]));
                (first, computed, released) = (position, 1, 0);
            }
            computed += computes;
            released += releases;
        }
        queries.push(self.query(source, keys, &self.expressions[first..]));
        Ok(())
    }

    fn query(&self, source: &Source, groups: &[GroupKey], expressions: &[Expression]) -> Query {
        let output = |(position, expression): (usize, &Expression)| Output {
            name: format!("s{position}"),
            expression: expression.clone(),
        };
        Query {
            dataset: source.dataset,
            outputs: expressions.iter().enumerate().map(output).collect(),
            predicate: self.rows.clone(),
            groups: groups.to_vec(),
            scores: Vec::new(),
        }
    }
}

/// A class for every group of these keys, in their order.
fn cells(schema: &Schema, keys: &[GroupKey]) -> Vec<Class> {
    let mut cells = vec![vec![]];
    for key in keys {
        let classes: Vec<Predicate> =
            (0..key.size(schema) as u32).map(|class| key.rows(schema, class)).collect();
        let with = |cell: &Vec<Predicate>, class: &Predicate| {
            [cell.as_slice(), std::slice::from_ref(class)].concat()
        };
        cells = cells.iter().flat_map(|cell| classes.iter().map(move |class| with(cell, class))).collect();
    }
    let class = |(index, parts): (usize, Vec<Predicate>)| Class {
        label: Some(index.to_string()),
        when: Predicate::and(schema, parts),
    };
    cells.into_iter().enumerate().map(class).collect()
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
    let cohort = answers.iter().map(|answer| answer.min_cohort).max().unwrap_or(1);
    let mut all: Vec<Vec<Vec<Cell>>> = Vec::new();
    let mut position = 0;
    for slice in queries.chunk_by(|a, b| a.groups == b.groups) {
        let mut cells = Vec::new();
        for query in slice {
            cells.extend(read_one(source, query, &answers[position], first + position)?);
            position += 1;
        }
        if all.is_empty() {
            all = cells;
        } else {
            all.iter_mut().zip(cells).for_each(|(groups, more)| groups.extend(more));
        }
    }
    Ok(Table { cells: all, cohort })
}

/// The cells of a query by expression, group and part.
fn read_one(
    source: &Source,
    query: &Query,
    answer: &Answer,
    position: usize,
) -> Result<Vec<Vec<Vec<Cell>>>, TrainError> {
    let wrong = |reason: &str| TrainError::Answer { position, reason: reason.to_owned() };
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
    let cell = |values: &Option<Vec<Option<i64>>>, released: usize| {
        let Derivation::Sum(quantity) = needs.released[released].from else {
            return Cell { value: None, deviation: 0.0 };
        };
        let deviation = answer.noise.get(quantity).copied().unwrap_or(0.0);
        Cell { value: values.as_ref().and_then(|values| values[released]), deviation }
    };
    let of_output = |positions: &Vec<usize>| {
        let parts =
            |values: &Option<Vec<Option<i64>>>| positions.iter().map(|at| cell(values, *at)).collect();
        answer.groups.iter().map(|group| parts(&group.values)).collect()
    };
    Ok(needs.outputs.iter().map(of_output).collect())
}

//! Whether a query is well formed over a schema. What comes from outside is checked here once; the
//! rest of the crate then indexes columns without looking again.

use super::{
    Expression, GroupKey, MAX_COMPUTED, MAX_GROUP_KEYS, MAX_GROUPS, MAX_OUTPUTS, MAX_SCORES, Query,
    QueryError, Rank, Value,
    groups::{MAX_CLASSES, MAX_COMPARED},
    score::{MAX_LEVELS, MAX_TERMS, Score, ScoreNode, ScoreTerm, check_tree},
    value::{MAX_BRANCHES, MAX_FACTORS, MAX_MONOMIALS, MAX_VALUE_SCALE},
};
use crate::{
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

impl Query {
    /// Checks that the query is well formed over `schema`.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self, schema: &Schema) -> Result<(), QueryError> {
        let check = Check { schema };
        if self.outputs.is_empty() || self.outputs.len() > MAX_OUTPUTS {
            return Err(QueryError::OutputCount(self.outputs.len()));
        }
        let distinct = self.groups.iter().enumerate().all(|(i, key)| !self.groups[..i].contains(key));
        if !distinct || self.groups.len() > MAX_GROUP_KEYS {
            return Err(QueryError::GroupKeys(self.groups.len()));
        }
        self.groups.iter().try_for_each(|key| check.key(key))?;
        if self.group_count(schema) > MAX_GROUPS {
            return Err(QueryError::GroupCount(self.group_count(schema)));
        }
        check.predicate(&self.predicate)?;
        self.check_scores()?;
        self.scores.iter().try_for_each(|score| check.score(score))?;
        for (position, output) in self.outputs.iter().enumerate() {
            match output.expression {
                Expression::Group(key) if usize::from(key) >= self.groups.len() => {
                    return Err(QueryError::NotGrouped(position));
                }
                ref expression => check.expression(expression)?,
            }
        }
        let computed = self.group_count(schema) * self.requirements(schema).size(schema) as u64;
        if computed > MAX_COMPUTED {
            return Err(QueryError::Computed(computed));
        }
        Ok(())
    }

    /// Scores have one order, so that a question has one form.
    fn check_scores(&self) -> Result<(), QueryError> {
        let found = self.scores.len();
        let mut used = 0usize;
        for output in &self.outputs {
            if let Expression::Band { score, .. } = output.expression {
                match usize::from(score) {
                    next if next == used => used += 1,
                    known if known < used => {}
                    _ => return Err(QueryError::Scores(found)),
                }
            }
        }
        let distinct = self.scores.iter().enumerate().all(|(at, score)| !self.scores[..at].contains(score));
        if used != found || found > MAX_SCORES || !distinct {
            return Err(QueryError::Scores(found));
        }
        Ok(())
    }
}

struct Check<'a> {
    schema: &'a Schema,
}

impl Check<'_> {
    fn dimension(&self, id: ColumnId) -> Result<(), QueryError> {
        let column = self.schema.columns.get(id.index()).ok_or(QueryError::UnknownColumn(id.0))?;
        match column.dimension {
            Some(_) => Ok(()),
            None => Err(QueryError::NotADimension(column.name.clone())),
        }
    }

    fn predicate(&self, predicate: &Predicate) -> Result<(), QueryError> {
        for id in predicate.columns() {
            let column = self.schema.columns.get(id.index()).ok_or(QueryError::UnknownColumn(id.0))?;
            if column.marks() == 0 {
                return Err(QueryError::NotADimension(column.name.clone()));
            }
        }
        if predicate.is_normal(self.schema) { Ok(()) } else { Err(QueryError::NotNormal) }
    }

    fn key(&self, key: &GroupKey) -> Result<(), QueryError> {
        match key {
            GroupKey::Codes(id) => self.dimension(*id),
            GroupKey::Classes { classes, .. } => {
                if classes.is_empty() || classes.len() > MAX_CLASSES {
                    return Err(QueryError::Classes(classes.len()));
                }
                classes.iter().try_for_each(|class| self.predicate(&class.when))
            }
            GroupKey::Largest { labels, scores } => {
                let distinct = labels.iter().enumerate().all(|(at, label)| !labels[..at].contains(label));
                if labels.len() != scores.len() || !(2..=MAX_COMPARED).contains(&scores.len()) || !distinct {
                    return Err(QueryError::Compared { scores: scores.len(), labels: labels.len() });
                }
                scores.iter().try_for_each(|score| self.terms(score))?;
                for (at, score) in scores.iter().enumerate() {
                    for other in &scores[..at] {
                        let levels = score.minus(other).map_or(u64::MAX, |difference| difference.levels());
                        if levels > MAX_LEVELS {
                            return Err(QueryError::Score { terms: score.terms.len(), levels });
                        }
                    }
                }
                Ok(())
            }
        }
    }

    fn expression(&self, expression: &Expression) -> Result<(), QueryError> {
        match expression {
            Expression::Group(_) => Ok(()),
            Expression::Count(when) => self.predicate(when),
            Expression::Sum(value) | Expression::Average(value) => self.shown(value),
            Expression::Spread { value, .. } => {
                self.shown(value)?;
                self.product(value, value)
            }
            Expression::Pair { y, x, .. } => {
                self.shown(y)?;
                self.shown(x)?;
                self.product(y, x)?;
                self.product(x, x)?;
                self.product(y, y)
            }
            Expression::Band { score: _, from, to, when } => {
                if from >= to {
                    return Err(QueryError::EmptyBand { from: *from, to: *to });
                }
                self.predicate(when)
            }
            Expression::Distinct { column, when } => {
                self.dimension(*column)?;
                self.predicate(when)
            }
            Expression::Quantile { rank, column, when } => {
                if let Rank::Percentile(share) = rank
                    && *share > 1_000_000
                {
                    return Err(QueryError::Percentile(*share));
                }
                self.dimension(*column)?;
                self.predicate(when)
            }
        }
    }

    fn score(&self, score: &Score) -> Result<(), QueryError> {
        if score.levels() > MAX_LEVELS {
            return Err(QueryError::Score { terms: score.terms.len(), levels: score.levels() });
        }
        self.terms(score)
    }

    fn terms(&self, score: &Score) -> Result<(), QueryError> {
        if score.terms.len() > MAX_TERMS {
            return Err(QueryError::Score { terms: score.terms.len(), levels: score.levels() });
        }
        for (position, term) in score.terms.iter().enumerate() {
            match term {
                ScoreTerm::Codes { column, values } => {
                    self.dimension(*column)?;
                    let described = self.schema.column(*column);
                    if values.len() != described.codes() as usize {
                        return Err(QueryError::ScoreCodes {
                            column: described.name.clone(),
                            expected: described.codes(),
                            found: values.len(),
                        });
                    }
                }
                ScoreTerm::Tree(nodes) => {
                    check_tree(nodes).map_err(|error| QueryError::ScoreTree { term: position, error })?;
                    nodes.iter().try_for_each(|node| self.node(node))?;
                }
            }
        }
        Ok(())
    }

    fn node(&self, node: &ScoreNode) -> Result<(), QueryError> {
        let ScoreNode::Split { column, codes, .. } = node else { return Ok(()) };
        self.dimension(*column)?;
        let described = self.schema.column(*column);
        let all = described.codes();
        if codes.is_proper(all) {
            return Ok(());
        }
        Err(QueryError::ScoreSplit { column: described.name.clone(), codes: all })
    }

    fn product(&self, a: &Value, b: &Value) -> Result<(), QueryError> {
        // Counted before it is multiplied out: that is what takes time.
        let branches = a.pairs(b);
        let most = |value: &Value| value.branches.iter().map(|b| b.monomials.len()).max().unwrap_or(0);
        let monomials = most(a) * most(b);
        if branches > MAX_BRANCHES || monomials > MAX_MONOMIALS * MAX_MONOMIALS {
            return Err(QueryError::Value { branches, monomials, factors: 0 });
        }
        self.value(&a.times(self.schema, b).ok_or(QueryError::TooLarge(i128::MAX))?)
    }

    /// A value whose totals are written in decimal.
    fn shown(&self, value: &Value) -> Result<(), QueryError> {
        if value.scale > MAX_VALUE_SCALE {
            return Err(QueryError::TooFine(value.scale));
        }
        self.value(value)
    }

    fn value(&self, value: &Value) -> Result<(), QueryError> {
        let monomials = value.branches.iter().map(|branch| branch.monomials.len()).max().unwrap_or(0);
        let all = value.branches.iter().flat_map(|branch| &branch.monomials);
        let factors = all.map(|monomial| monomial.columns.len()).max().unwrap_or(0);
        let branches = value.branches.len();
        if branches > MAX_BRANCHES || monomials > MAX_MONOMIALS || factors > MAX_FACTORS {
            return Err(QueryError::Value { branches, monomials, factors });
        }
        for id in value.measures() {
            let column = self.schema.columns.get(id.index()).ok_or(QueryError::UnknownColumn(id.0))?;
            if column.measure.is_none() {
                return Err(QueryError::NotAMeasure(column.name.clone()));
            }
        }
        for branch in &value.branches {
            self.predicate(&branch.when)?;
            let sorted = branch.monomials.is_sorted_by(|a, b| a.columns < b.columns);
            let each = branch.monomials.iter().all(|m| m.coefficient != 0 && m.columns.is_sorted());
            if !sorted || !each {
                return Err(QueryError::NotCollected);
            }
            let (low, high) = branch.range(self.schema);
            if let Some(beyond) = [low, high].into_iter().find(|end| end.unsigned_abs() >= 1 << 63) {
                return Err(QueryError::TooLarge(beyond));
            }
        }
        Ok(())
    }
}

//! Dividing an upload between the layouts: aggregates answer in milliseconds what they hold, and the
//! bitmap index answers the rest. Some sizes of the one are tried with the best of the other that is
//! left, and the division is taken that costs the least over the questions it is planned for.

use crate::{
    layout::{RollupLayout, ScanLayout},
    layout_plan::{
        Alternative, Budget, ColumnChoice, PlanError, Publication, RollupBudget,
        candidates::bits,
        rollup::Cuboids,
        scan::{self, Allowance, Choices, Taken},
        upload, workload,
    },
    schema::{ColumnId, Schema},
};

/// Units of an answer from aggregates: a few thousand cells.
const ROLLUP_UNITS: u64 = 5_000;
/// A question that cannot be answered is as bad as one that takes this many times as long.
const UNANSWERED: u64 = 50;
/// However much aggregates answer, the index is planned for at least this part of a million questions
/// about a column: what nobody thought of is asked there.
const LEAST_USES: u64 = 50_000;
/// Parts that are counted in.
const MILLION: u64 = 1_000_000;

/// One division.
struct Division<'a> {
    rollup: Option<RollupLayout>,
    scan: Option<(&'a Choices<'a>, Taken)>,
}

pub(super) fn plan(schema: &Schema, rows: u64, budget: &Budget) -> Result<Publication, PlanError> {
    let sets = if budget.scan { scan::sets(schema, rows) } else { vec![] };
    let choices: Vec<Choices> = sets.into_iter().map(|set| Choices::new(schema, rows, set)).collect();
    let max_upload = budget.max_upload.unwrap_or_else(|| unlimited(rows, &choices));
    let choices: Vec<Choices> = choices.into_iter().map(|choices| choices.within(max_upload)).collect();
    // Parquet and headers come on top of ciphertext, less than a hundredth.
    let bytes = max_upload - max_upload / 100;
    let rollups = match &budget.rollup {
        Some(rollup) => rollups(schema, rows, rollup, bytes),
        None => vec![None],
    };
    let mut best: Option<(u128, Division)> = None;
    for division in rollups.into_iter().flat_map(|rollup| divisions(schema, rollup, &choices, bytes)) {
        let cost = division.cost(schema);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, division));
        }
    }
    let Some((_, division)) = best else {
        let needed = smallest(&choices);
        return Err(PlanError::Upload { needed: needed + needed / 99 + 1, max_upload });
    };
    let score = budget.score.then(|| super::score(schema));
    Ok(division.publication(schema, rows, max_upload, score))
}

/// Bytes of the index with its fewest slices.
fn smallest(choices: &[Choices]) -> u64 {
    choices.iter().map(|choices| choices.bytes(&choices.smallest())).min().unwrap_or(0)
}

/// What is allowed when nobody said: the default, and for wide tables so much that no column is left
/// out and there is some choice.
fn unlimited(rows: u64, choices: &[Choices]) -> u64 {
    let wide = smallest(choices).saturating_mul(5) / 4;
    super::default_upload(rows).max(wide.min(super::MAX_DEFAULT_UPLOAD))
}

/// The index alone, with its fewest slices if more are not affordable.
pub(super) fn scan_alone(schema: &Schema, rows: u64) -> ScanLayout {
    let choices = Choices::new(schema, rows, scan::sets(schema, rows)[0]);
    let allowance = Allowance { bytes: super::default_upload(rows), uses: MILLION };
    choices.plan(&choices.choose(allowance, |_| false).unwrap_or_else(|| choices.smallest()))
}

/// Aggregates of all sizes that fit, each about half as large as the one before.
fn rollups(schema: &Schema, rows: u64, budget: &RollupBudget, bytes: u64) -> Vec<Option<RollupLayout>> {
    let cuboids = Cuboids::new(schema, rows, budget);
    let mut found: Vec<Option<RollupLayout>> = Vec::new();
    let mut cells = budget.max_cells_total.min(bytes / upload::CELL_BYTES);
    while cells > 0 {
        let layout = cuboids.within(cells);
        cells = layout.cells.min(cells) / 2;
        let only_total = layout.cuboids.len() == 1;
        if layout.cells * upload::CELL_BYTES <= bytes {
            found.push(Some(layout));
        }
        if only_total {
            break;
        }
    }
    found
}

/// The index in each set beside the given aggregates.
fn divisions<'a>(
    schema: &Schema,
    rollup: Option<RollupLayout>,
    choices: &'a [Choices<'a>],
    bytes: u64,
) -> Vec<Division<'a>> {
    if choices.is_empty() {
        return vec![Division { rollup, scan: None }];
    }
    let used = rollup.as_ref().map_or(0, |layout| layout.cells * upload::CELL_BYTES);
    let allowance = Allowance { bytes: bytes - used, uses: uses(schema, rollup.as_ref()) };
    let aggregated =
        |column: ColumnId| rollup.as_ref().is_some_and(|layout| layout.cuboid_for(&[column], 0).is_some());
    choices
        .iter()
        .filter_map(|choices| Some((choices, choices.choose(allowance, aggregated)?)))
        .map(|scan| Division { rollup: rollup.clone(), scan: Some(scan) })
        .collect()
}

/// Of a million questions about so many dimensions, how many a cuboid answers.
fn covered(schema: &Schema, rollup: Option<&RollupLayout>, dimensions: u64) -> u64 {
    let all = subsets(schema.dimensions().count() as u64, dimensions);
    let there = rollup.map_or(0, |layout| {
        layout.cuboids.iter().filter(|cuboid| cuboid.dimensions.len() as u64 == dimensions).count()
    });
    (there as u64 * MILLION).checked_div(all).unwrap_or(0).min(MILLION)
}

/// Of a million questions, those that aggregates do not answer and that look at a given column.
fn uses(schema: &Schema, rollup: Option<&RollupLayout>) -> u64 {
    let count = (schema.dimensions().count() as u64).max(1);
    let uses = |(percent, dimensions): (&u64, u64)| {
        percent * (MILLION - covered(schema, rollup, dimensions)) * dimensions.min(count) / count / 100
    };
    workload::BY_DIMENSIONS.iter().zip(1..).map(uses).sum::<u64>().clamp(LEAST_USES, MILLION)
}

/// Ways to choose `part` of `all`.
fn subsets(all: u64, part: u64) -> u64 {
    (0..part).fold(1, |ways, taken| ways * all.saturating_sub(taken) / (taken + 1))
}

impl Division<'_> {
    /// Microseconds: of the questions it is planned for, and of the upload.
    fn cost(&self, schema: &Schema) -> u128 {
        let mut of_questions = 0u128;
        for (percent, dimensions) in workload::BY_DIMENSIONS.iter().zip(1..) {
            let covered = covered(schema, self.rollup.as_ref(), dimensions);
            let units = covered * ROLLUP_UNITS + (MILLION - covered) * self.scan_units(schema, dimensions);
            of_questions += u128::from(*percent) * u128::from(units) / 100;
        }
        let of_upload = u128::from(self.bytes()) * u128::from(workload::UPLOAD_MICROS_PER_KB) / 1_000;
        of_questions * u128::from(workload::QUERIES) / u128::from(MILLION) + of_upload
    }

    fn bytes(&self) -> u64 {
        let rollup = self.rollup.as_ref().map_or(0, |layout| layout.cells * upload::CELL_BYTES);
        rollup + self.scan.as_ref().map_or(0, |(choices, taken)| choices.bytes(taken))
    }

    /// Units of a question about so many dimensions that is answered by the index, or is not answered.
    fn scan_units(&self, schema: &Schema, dimensions: u64) -> u64 {
        let all = schema.dimensions().count() as u64;
        let dimensions = dimensions.min(all);
        let (kept, of_conditions, of_a_product, chunks) = match &self.scan {
            Some((choices, taken)) => {
                let costs =
                    choices.columns.iter().zip(taken).filter_map(|(column, option)| {
                        option.map(|option| column.options[option].cost.units)
                    });
                let costs: Vec<u64> = costs.collect();
                let kept = costs.len() as u64;
                let mean = costs.iter().sum::<u64>().checked_div(kept).unwrap_or(0);
                (kept, mean, workload::product(choices.set).get(), choices.chunks())
            }
            None => (0, ROLLUP_UNITS, ROLLUP_UNITS, 1),
        };
        let answered = dimensions * (of_conditions + of_a_product) * chunks;
        let possible =
            (subsets(kept, dimensions) * MILLION).checked_div(subsets(all, dimensions)).unwrap_or(0);
        answered * possible / MILLION + answered * UNANSWERED / MILLION * (MILLION - possible)
    }

    fn publication(
        self,
        schema: &Schema,
        rows: u64,
        max_upload: u64,
        score: Option<ScanLayout>,
    ) -> Publication {
        let scan = self.scan.as_ref().map(|(choices, taken)| choices.plan(taken));
        let upload = upload::estimate(rows, self.rollup.as_ref(), scan.as_ref());
        let upload = score.as_ref().map_or(upload, |score| upload.with(rows, score));
        let alternatives = match &self.scan {
            Some((choices, _)) => {
                alternatives(schema, rows, self.rollup.as_ref(), choices, upload.total_bytes())
            }
            None => vec![],
        };
        let columns = schema.ids().filter_map(|id| self.column(schema, id)).collect();
        Publication { rollup: self.rollup, scan, score, upload, max_upload, columns, alternatives }
    }

    /// What was chosen for a column; `None` if it is not encrypted.
    fn column(&self, schema: &Schema, id: ColumnId) -> Option<ColumnChoice> {
        let column = schema.column(id);
        if column.dimension.is_none() && column.measure.is_none() {
            return None;
        }
        let mut choice = ColumnChoice {
            column: id,
            codes: column.codes(),
            bases: vec![],
            slices: 0,
            row_bytes: 0,
            equality_products: 0,
            range_products: 0,
            why: if column.dimension.is_some() { "left to aggregates" } else { "values" },
        };
        let Some((choices, taken)) = &self.scan else { return Some(choice) };
        let position = choices.columns.iter().position(|column| column.column == id);
        if let Some((position, option)) = position.and_then(|position| Some((position, taken[position]?))) {
            let chosen = &choices.columns[position].options[option];
            choice.bases.clone_from(&chosen.candidate.digits.bases);
            choice.slices += chosen.slices();
            choice.equality_products = chosen.cost.equality;
            choice.range_products = chosen.cost.range;
            choice.why = chosen.candidate.why;
        }
        let layout = choices.layout(&[]);
        choice.slices += u64::from(layout.nullable.contains(&id));
        let limbs = layout.measures.iter().find(|measure| measure.column == id);
        choice.slices += limbs.map_or(0, |measure| u64::from(measure.limbs) + u64::from(measure.factors));
        choice.row_bytes = choice.slices * upload::row_bytes_hundredths(choices.set) / 100;
        Some(choice)
    }
}

/// What else could have been uploaded with the same aggregates.
fn alternatives(
    schema: &Schema,
    rows: u64,
    rollup: Option<&RollupLayout>,
    choices: &Choices,
    chosen: u64,
) -> Vec<Alternative> {
    let with = |name, digits: Vec<_>| {
        let layout = choices.layout(&digits);
        Alternative { name, bytes: upload::estimate(rows, rollup, Some(&layout)).total_bytes() }
    };
    let every = |id| crate::layout::DimensionDigits {
        column: id,
        bases: vec![schema.column(id).codes()],
        blocks: None,
    };
    vec![
        with("one digit everywhere, no products", schema.dimensions().map(every).collect()),
        Alternative { name: "this plan", bytes: chosen },
        with("bits everywhere", schema.dimensions().map(|id| bits(id, schema.column(id))).collect()),
    ]
}

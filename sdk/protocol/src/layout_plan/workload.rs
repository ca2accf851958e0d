//! The questions a publication is planned for. Nobody knows them when a table is published, so they
//! follow from the public schema: each dimension is asked about as often as any other, in the ways its
//! domain suggests, one to four at a time.

use crate::{
    cost::{ComputeUnits, OperationCounts},
    layout::DimensionDigits,
    layout_plan::structure::{Kind, Structure},
    lower::scan::condition_cost,
    parameters::ParameterSet,
    predicate::CodeSet,
    schema::{Column, Domain},
};

/// Of a hundred questions, how many are about one dimension, two, three, four.
pub(super) const BY_DIMENSIONS: [u64; 4] = [30, 35, 25, 10];

/// Queries that a publication should serve well: what is uploaded once must pay for itself in these.
pub(super) const QUERIES: u64 = 10_000;

/// Microseconds of an owner's time that a byte of upload is worth: 5 MB a second.
pub(super) const UPLOAD_MICROS_PER_KB: u64 = 200;

/// Groups of this many codes and more are rarely asked for.
const MOST_GROUPS: u64 = 64;

/// What a dimension costs a chunk in an average question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// Units of a condition on it.
    pub(super) units: u64,
    /// Products of an equality, on average, in hundredths.
    pub(super) equality: u64,
    /// Products of a range, on average, in hundredths.
    pub(super) range: u64,
    /// The deepest mask.
    pub(super) depth: u32,
}

/// A way of asking, with some examples, and how often it occurs.
struct Sample {
    weight: u64,
    kind: Asked,
    sets: Vec<CodeSet>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Equality,
    Range,
    Other,
}

/// What a dimension costs in `set` when it is written with `digits`.
pub(super) fn cost(column: &Column, digits: &DimensionDigits, set: ParameterSet) -> Cost {
    let size = column.codes();
    let mut total = Cost { units: 0, equality: 0, range: 0, depth: 0 };
    if size < 2 {
        return total;
    }
    let mut weights = 0;
    for Sample { weight, kind, sets } in samples(column) {
        let (mut units, mut products) = (0, 0);
        for codes in &sets {
            let (counts, depth) = condition_cost(digits, size, codes, set);
            units += counts.units(set).get();
            products += 100 * counts.multiplications;
            total.depth = total.depth.max(depth);
        }
        let count = sets.len().max(1) as u64;
        weights += weight;
        total.units += weight * units / count;
        match kind {
            Asked::Equality => total.equality = products / count,
            Asked::Range => total.range = products / count,
            Asked::Other => {}
        }
    }
    total.units /= weights.max(1);
    total.units += grouping(digits, u64::from(size), set);
    total
}

/// A quarter of the questions group by the dimension: one product for each code, and for each value of
/// the leading digits before that.
fn grouping(digits: &DimensionDigits, size: u64, set: ParameterSet) -> u64 {
    if digits.bases.len() < 2 || size > MOST_GROUPS {
        return 0;
    }
    let leading = digits.bases[..digits.bases.len() - 1].iter().scan(1, |reach, base| {
        *reach *= u64::from(*base);
        Some(*reach)
    });
    let products = size + leading.skip(1).sum::<u64>();
    product(set).get() * products / 4
}

/// A product with its relinearisation.
pub(super) fn product(set: ParameterSet) -> ComputeUnits {
    OperationCounts::of_products(set, 1).units(set)
}

fn samples(column: &Column) -> Vec<Sample> {
    let size = column.codes();
    let values = column.dimension.as_ref().map_or(size, Domain::size).max(1);
    let at =
        |part: u32, of: u32| u32::try_from(u64::from(values) * u64::from(part) / u64::from(of)).unwrap_or(0);
    let some = |sets: Vec<CodeSet>| {
        let proper = |set: &CodeSet| !set.is_empty() && set.len() < size;
        sets.into_iter().filter(proper).collect::<Vec<_>>()
    };
    let range = |low, high| CodeSet::from_ranges(vec![(low, high)]);
    let equality = (1..6).map(|part| range(at(part, 6), at(part, 6) + 1)).collect();
    let ranges =
        (1..8).flat_map(|part| [range(at(part, 8), values), range(at(part, 11), at(part + 3, 11))]).collect();
    let lists =
        (1..4).map(|part| CodeSet::from_codes([at(part, 9), at(part + 2, 9), at(part + 5, 9)])).collect();
    let structure = Structure::of(column);
    let of_kind = |kind| structure.as_ref().filter(|found| found.kind == kind);
    let sample = |weight, kind, sets| Sample { weight, kind, sets: some(sets) };
    let mut found = match column.dimension {
        Some(Domain::Category { .. } | Domain::Order { .. }) => {
            vec![
                sample(45, Asked::Equality, equality),
                sample(5, Asked::Range, ranges),
                sample(25, Asked::Other, lists),
            ]
        }
        Some(Domain::Date { .. }) => {
            vec![sample(10, Asked::Equality, equality), sample(40, Asked::Range, ranges)]
        }
        _ => vec![sample(30, Asked::Equality, equality), sample(70, Asked::Range, ranges)],
    };
    if let Some(words) = of_kind(Kind::FirstWords) {
        let middle = words.starts.len() / 2;
        let blocks = [0, middle].map(|index| words.block(index, values));
        found.push(sample(25, Asked::Other, blocks.map(|(low, high)| range(low, high)).to_vec()));
    }
    if let Some(months) = of_kind(Kind::Months) {
        found.push(sample(50, Asked::Other, calendar(months, values)));
    }
    found.retain(|sample| !sample.sets.is_empty());
    found
}

/// Some whole years, and some months in the middle of years.
fn calendar(months: &Structure, values: u32) -> Vec<CodeSet> {
    let count = months.starts.len();
    let span = |from: usize, length: usize| {
        let low = months.starts[from.min(count - 1)];
        let high = months.starts.get(from + length).copied().unwrap_or(values).min(values);
        CodeSet::from_ranges(vec![(low, high)])
    };
    let years = count / 12;
    let middle = (count / 2).min(count - 1);
    vec![span(12 * (years / 2), 12), span(12 * (years / 3), 12), span(middle, 1), span(middle + 5, 1)]
}

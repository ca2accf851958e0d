//! Auditions of models of known size on made-up rows: those that the design sets goals for.

use sordino_model::{
    audition::{self, Subject},
    model::Link,
    quantised::{Format, IntegerNode, IntegerTree, Quantised, Score, Shape, Term},
};
use sordino_protocol::{
    coded::CodedTable,
    digest::Digest,
    layout_plan::{Budget, RollupBudget},
    predicate::CodeSet,
    schema::{Column, ColumnId, Measure, Schema},
};

use super::{
    Size, auditions,
    case::Case,
    encrypted::{Encrypted, Party},
};
use crate::bench::data;

const DEPTH: u32 = 4;
/// The columns that the tree reads, by their codes; and the label.
const TREE_CODES: [u32; 6] = [16, 8, 32, 8, 16, 2];
/// Columns of the scorecard, their codes, and the most points of each.
const CARD_COLUMNS: usize = 20;
const CARD_CODES: u32 = 12;
const CARD_POINTS: i64 = 12;
/// Measures that the linear model reads.
const MEASURES: u16 = 8;
/// Seconds that the tree and the scorecard may take.
const TREE_GOAL: f64 = 5.0;
const CARD_GOAL: f64 = 30.0;

pub(super) fn measure(
    party: &mut Party,
    size: &Size,
    report: &mut dyn FnMut(Case) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let [tree_rows, card_rows, linear_rows] = size.made_up;
    let mut add = |case: String, goal_s, table: Table, model: &dyn Fn(&Schema) -> Quantised, published| {
        if !size.wants(&case) {
            return Ok(());
        }
        let model = model(&table.schema);
        report(one(party, (case, goal_s), &model, table, published)?)
    };
    let table = Table::of_codes(&TREE_CODES, tree_rows, 23);
    let case = format!("audition_tree_depth4_{tree_rows}");
    add(case, Some(TREE_GOAL), table, &tree, Published::Scan)?;

    let codes: Vec<u32> = [CARD_CODES; CARD_COLUMNS].into_iter().chain([2]).collect();
    let table = Table::of_codes(&codes, card_rows, 29);
    let case = format!("audition_scorecard_{CARD_COLUMNS}_columns_{card_rows}");
    add(case, Some(CARD_GOAL), table, &|_| scorecard(), Published::Score)?;

    let table = Table::of_measures(linear_rows, 31);
    let case = format!("audition_linear_moments_{linear_rows}");
    add(case, None, table, &|_| linear(), Published::Rollup)
}

/// Made-up rows, and which column is predicted.
struct Table {
    schema: Schema,
    rows: CodedTable,
    label: ColumnId,
}

impl Table {
    /// The last of the dimensions is the label.
    fn of_codes(codes: &[u32], rows: usize, seed: u64) -> Self {
        let schema = data::schema(codes);
        let label = ColumnId(u16::try_from(codes.len() - 1).unwrap_or(u16::MAX));
        Self { rows: data::rows(&schema, rows, seed), schema, label }
    }

    fn of_measures(rows: usize, seed: u64) -> Self {
        let schema = measures();
        Self { rows: data::rows(&schema, rows, seed), schema, label: ColumnId(MEASURES) }
    }
}

/// The layout that a table is published in.
enum Published {
    Rollup,
    Scan,
    Score,
}

impl Published {
    fn budget(&self) -> Budget {
        let rollup = matches!(self, Self::Rollup).then(RollupBudget::default);
        Budget {
            max_upload: None,
            rollup,
            scan: matches!(self, Self::Scan),
            score: matches!(self, Self::Score),
        }
    }
}

fn one(
    party: &mut Party,
    (case, goal_s): (String, Option<f64>),
    model: &Quantised,
    table: Table,
    published: Published,
) -> anyhow::Result<Case> {
    let Table { schema, rows, label } = table;
    let dataset = Digest::from_bytes([0; 32]);
    let subject = Subject { dataset, rows: rows.rows as u64, label, by: None, is_hidden: false };
    let audition = audition::plan(model, &schema, subject)?;
    let mut world = Encrypted::new(&schema, rows, &published.budget())?;
    // The scorecard takes long enough to be measured once.
    let repeats = if matches!(published, Published::Score) { 1 } else { 3 };
    let trial = auditions::Trial { case, goal_s, model, audition: &audition, label, repeats };
    auditions::measure(&mut world, party, trial)
}

/// A full tree whose every split cuts a column in two, and whose neighbouring leaves differ.
fn tree(schema: &Schema) -> Quantised {
    let splits = (1u32 << DEPTH) - 1;
    let split = |node: u32| {
        let column = ColumnId(u16::try_from(node % (TREE_CODES.len() as u32 - 1)).unwrap_or(0));
        let codes = schema.column(column).codes();
        let cut = codes / 2 - 1 + node % 3;
        let codes = CodeSet::from_ranges(vec![(0, cut)]);
        IntegerNode::Split { column, codes, left: 2 * node + 1, right: 2 * node + 2 }
    };
    let leaf = |leaf: u32| IntegerNode::Leaf(if leaf.is_multiple_of(2) { vec![1, 0] } else { vec![0, 1] });
    let nodes = (0..splits).map(split).chain((0..=splits).map(leaf)).collect();
    let shape = Shape::Trees { base: vec![0, 0], trees: vec![IntegerTree { score: 0, nodes }] };
    classifier(shape, Link::Probabilities, vec![(0, 1), (0, 1)])
}

/// Points for every code of every column; who has more than half of them is of the second class.
fn scorecard() -> Quantised {
    let points = |column: i64| {
        (0..i64::from(CARD_CODES)).map(|code| (code * 7 + column) % (CARD_POINTS + 1)).collect::<Vec<_>>()
    };
    let term = |column: i64| Term::Codes {
        column: ColumnId(u16::try_from(column).unwrap_or(u16::MAX)),
        weights: points(column),
    };
    let terms: Vec<Term> = (0..CARD_COLUMNS as i64).map(term).collect();
    let most = CARD_POINTS * CARD_COLUMNS as i64;
    let shape = Shape::Scores(vec![Score { intercept: 0, terms }]);
    classifier(shape, Link::Cutoff { at: most / 2 }, vec![(0, most)])
}

fn classifier(shape: Shape, link: Link<i64>, bounds: Vec<(i64, i64)>) -> Quantised {
    let classes = vec!["0".to_owned(), "1".to_owned()];
    Quantised { format: Format::V1, shape, link, classes, fraction_bits: 0, bounds }
}

/// Measures of 0 to 9,999, and one more that is predicted.
fn measures() -> Schema {
    let column = |index: u16| Column {
        name: format!("m{index}"),
        description: String::new(),
        nullable: false,
        dimension: None,
        measure: Some(Measure { scale: 0, min: 0, max: 9_999 }),
    };
    Schema { table: "bench".to_owned(), null_values: vec![], columns: (0..=MEASURES).map(column).collect() }
}

/// Weights of 10 fraction bits.
fn linear() -> Quantised {
    let weight = |column: u16| (i64::from(column) * 97 + 41) % 300 - 100;
    let term =
        |column: u16| Term::Measure { column: ColumnId(column), weight: weight(column), square: 0, null: 0 };
    let range = |weight: i64| (weight.min(0) * 9_999, weight.max(0) * 9_999);
    let intercept = 512_000;
    let bounds = (0..MEASURES)
        .map(weight)
        .map(range)
        .fold((intercept, intercept), |sum, range| (sum.0 + range.0, sum.1 + range.1));
    Quantised {
        format: Format::V1,
        shape: Shape::Scores(vec![Score { intercept, terms: (0..MEASURES).map(term).collect() }]),
        link: Link::Identity,
        classes: vec![],
        fraction_bits: 10,
        bounds: vec![bounds],
    }
}

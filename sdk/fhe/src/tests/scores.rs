//! Scores of models over encrypted rows: how many lie within a band, by label.

use std::time::Instant;

use sordino_protocol::{
    coded::CodedTable,
    cost::OperationCounts,
    digest::Digest,
    layout::LayoutKind,
    layout_plan,
    lower::lower,
    manifest::Manifest,
    parameters::ParameterSet,
    plaintext,
    predicate::{CodeSet, Predicate},
    program::{Program, ScanProgram},
    query::{Expression, GroupKey, Output, Query, Score, ScoreNode, ScoreTerm},
    release_values,
    schema::{Column, ColumnId, Domain, Schema},
    testing,
};

use super::support::{Counter, evaluator, keys, printed_rng, rows};
use crate::{
    outputs::decrypt,
    scan::{self, ChunkReader, Partial},
};

const SET: ParameterSet = ParameterSet::Score16kV1;

/// A label and so many dimensions.
fn schema(dimensions: u16, codes: i64) -> Schema {
    let column = |name: String, max| Column {
        name,
        description: String::new(),
        nullable: false,
        dimension: Some(Domain::Integer { min: 0, max }),
        measure: None,
    };
    let inputs = (0..dimensions).map(|index| column(format!("x{index}"), codes - 1));
    let columns = [column("label".to_owned(), 1)].into_iter().chain(inputs).collect();
    Schema { table: "t".to_owned(), null_values: vec![], columns }
}

/// Points for every code of every dimension, of `each` at most.
fn points(schema: &Schema, each: i64) -> Vec<ScoreTerm> {
    let values = |column: &ColumnId| {
        (0..i64::from(schema.column(*column).codes()))
            .map(|code| (code * 7 + i64::from(column.0)) % (each + 1))
            .collect()
    };
    schema.dimensions().skip(1).map(|column| ScoreTerm::Codes { column, values: values(&column) }).collect()
}

fn asked(score: &Score, bands: i64) -> Query {
    let (low, high) = score.bounds();
    let cut = |at: i64| low + (high + 1 - low) * at / bands;
    let band = |at: i64| Output {
        name: format!("b{at}"),
        expression: Expression::Band { score: 0, from: cut(at), to: cut(at + 1), when: Predicate::All },
    };
    Query {
        dataset: Digest::from_bytes([0; 32]),
        outputs: (0..bands).map(band).collect(),
        predicate: Predicate::All,
        groups: vec![GroupKey::Codes(ColumnId(0))],
        scores: vec![score.clone()],
    }
}

/// A tree whose every path passes so many splits, no two neighbours of which read the same column.
fn full_tree(schema: &Schema, splits: u32, seed: u32) -> Vec<ScoreNode> {
    let mut nodes = Vec::new();
    grow(schema, splits, seed, &mut nodes);
    nodes
}

fn grow(schema: &Schema, splits: u32, seed: u32, nodes: &mut Vec<ScoreNode>) {
    if splits == 0 {
        nodes.push(ScoreNode::Leaf(i64::from(seed % 5)));
        return;
    }
    let columns = u32::try_from(schema.columns.len() - 1).expect("few columns");
    let column = ColumnId(1 + u16::try_from((seed + splits) % columns).expect("few columns"));
    let cut = 1 + seed % (schema.column(column).codes() - 1);
    let at = nodes.len();
    nodes.push(ScoreNode::Leaf(0));
    grow(schema, splits - 1, seed.wrapping_mul(7) + 1, nodes);
    let right = u32::try_from(nodes.len()).expect("few nodes");
    grow(schema, splits - 1, seed.wrapping_mul(5) + 2, nodes);
    nodes[at] = ScoreNode::Split { column, codes: CodeSet::from_ranges(vec![(0, cut)]), right };
}

struct Case {
    manifest: Manifest,
    table: CodedTable,
    chunks: Vec<bytes::Bytes>,
}

impl Case {
    fn new(schema: &Schema, chunk_rows: &[u64]) -> Self {
        let mut rng = printed_rng("scores");
        let count: u64 = chunk_rows.iter().sum();
        let table = testing::table(&mut testing::sequence(11), schema, count as usize);
        let layout = layout_plan::score(schema);
        let mut from = 0;
        let encrypt = |rows_of_chunk: &u64| {
            let to = from + *rows_of_chunk as usize;
            let part = rows(&table, from, to);
            from = to;
            scan::encrypt_chunk(keys(), schema, &layout, &part, &mut rng).expect("encrypted").into()
        };
        let chunks = chunk_rows.iter().map(encrypt).collect();
        // Planned as a scan, so that its objects are made up, and moved to its place.
        let mut manifest = testing::manifest(schema.clone(), count, None, Some(layout.clone()), chunk_rows);
        manifest.score = manifest.scan.take();
        assert_eq!(manifest.validate(), Ok(()));
        Self { manifest, table, chunks }
    }

    /// Evaluates and compares with the plaintext; gives the program and the seconds it took.
    fn check(&self, query: &Query) -> (ScanProgram, f64) {
        let schema = &self.manifest.schema;
        assert_eq!(query.validate(schema), Ok(()));
        let program = lower(&self.manifest, query, LayoutKind::Scan).expect("lowers");
        let Program::Scan(scan) = program.clone() else { panic!("of rows") };
        let (evaluator, progress) = (evaluator(SET), Counter::default());
        let start = Instant::now();
        let mut sum: Option<Partial> = None;
        for chunk in &self.chunks {
            let reader = ChunkReader::new(chunk.clone(), SET).expect("a chunk");
            let partial = evaluator.evaluate_chunk(&scan, &reader, &progress).expect("evaluated");
            let partial = Partial::from_bytes(&partial.to_bytes(SET), &scan).expect("read");
            match &mut sum {
                None => sum = Some(partial),
                Some(sum) => evaluator.merge(sum, partial, &progress).expect("merged"),
            }
        }
        let outputs = evaluator.finish(&scan, sum.expect("chunks"), &progress).expect("finished");
        let seconds = start.elapsed().as_secs_f64();
        let counts = OperationCounts::of(&program, self.chunks.len() as u64);
        assert_eq!(progress.total(), counts.total(), "every operation is counted");
        let values = decrypt(keys(), &program, &outputs).expect("decrypted");
        let totals = release_values::combine(schema, query, &program, &values).expect("plausible");
        assert_eq!(totals, plaintext::evaluate(schema, query, &self.table));
        (scan, seconds)
    }
}

#[test]
fn bands_of_scores_equal_the_plaintext() {
    let schema = schema(3, 9);
    let case = Case::new(&schema, &[700, 300]);
    let mut terms = points(&schema, 5);
    terms.push(ScoreTerm::Tree(full_tree(&schema, 3, 0)));
    case.check(&asked(&Score { intercept: -3, terms }, 5));
}

/// Rows by the largest of three scores and by label.
fn classes(schema: &Schema, each: i64) -> Query {
    let score = |class: i64| {
        let mut terms = points(schema, each);
        for (position, term) in (class..).zip(&mut terms) {
            let ScoreTerm::Codes { values, .. } = term else { panic!("points") };
            let shift = usize::try_from(3 * position).expect("small") % values.len();
            values.rotate_left(shift);
        }
        let seed = u32::try_from(class).expect("small");
        terms.push(ScoreTerm::Tree(full_tree(schema, 2, seed)));
        Score { intercept: 2 - class, terms }
    };
    let labels = ["one", "two", "three"].map(str::to_owned).to_vec();
    Query {
        dataset: Digest::from_bytes([0; 32]),
        outputs: vec![Output { name: "rows".to_owned(), expression: Expression::Count(Predicate::All) }],
        predicate: Predicate::All,
        groups: vec![
            GroupKey::Largest { labels, scores: (0..3).map(score).collect() },
            GroupKey::Codes(ColumnId(0)),
        ],
        scores: vec![],
    }
}

#[test]
fn the_class_of_the_largest_score_equals_the_plaintext() {
    let schema = schema(3, 9);
    let case = Case::new(&schema, &[600, 400]);
    case.check(&classes(&schema, 4));
}

#[test]
#[ignore = "takes a minute, prints figures"]
fn the_largest_of_three_scores_over_16_384_rows() {
    let schema = schema(12, 12);
    let case = Case::new(&schema, &[16_384]);
    let (program, seconds) = case.check(&classes(&schema, 4));
    println!(
        "3 scores of 12 features and a tree, {} outputs, {} steps: {seconds:.2} s on {} threads",
        program.outputs.len(),
        program.steps.len(),
        rayon::current_num_threads()
    );
}

#[test]
#[ignore = "takes a minute, prints figures"]
fn a_scorecard_over_16_384_rows() {
    let schema = schema(20, 12);
    let case = Case::new(&schema, &[16_384]);
    let (program, seconds) = case.check(&asked(&Score { intercept: 0, terms: points(&schema, 12) }, 32));
    println!(
        "20 features, {} outputs, {} steps: {seconds:.2} s on {} threads",
        program.outputs.len(),
        program.steps.len(),
        rayon::current_num_threads()
    );
}

#[test]
#[ignore = "takes minutes, prints figures"]
fn fifty_trees_over_16_384_rows() {
    let schema = schema(30, 12);
    let case = Case::new(&schema, &[16_384]);
    let trees = (0..50).map(|seed| ScoreTerm::Tree(full_tree(&schema, 4, seed))).collect();
    let (program, seconds) = case.check(&asked(&Score { intercept: 0, terms: trees }, 32));
    println!(
        "50 trees of depth 4, {} outputs, {} steps: {seconds:.2} s on {} threads",
        program.outputs.len(),
        program.steps.len(),
        rayon::current_num_threads()
    );
}

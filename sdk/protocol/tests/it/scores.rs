//! Scores of models: how many rows lie within a band, from sums of powers.

use sordino_protocol::{
    bounds::{finishes_early, partial_bytes, scan_noise},
    coded::CodedTable,
    digest::{Digest, Purpose},
    layout::{Chunk, LayoutKind},
    layout_plan,
    lower::{LowerError, lower},
    manifest::{Manifest, ObjectRef},
    merkle, plaintext,
    predicate::{CodeSet, Predicate},
    program::Program,
    query::{Expression, GroupKey, Query, QueryError, Score, ScoreNode, ScoreTerm, score::TreeError},
    release_values::{combine, release},
    schema::{ColumnId, Schema},
    testing,
};

use crate::{
    interpreter,
    planning::{dimension, measure, query, schema, within},
};

/// A label, small dimensions, one that is cut in two digits, and a measure that no score looks at.
fn scored(rows: u64) -> (Schema, CodedTable, Manifest) {
    let mut columns: Vec<_> =
        [("label", 2), ("a", 3), ("b", 20), ("c", 600)].map(|(name, codes)| dimension(name, codes)).into();
    columns[1].nullable = true;
    columns.push(measure("m", 9));
    let schema = schema(columns);
    let table = testing::table(&mut testing::sequence(7), &schema, rows as usize);
    let mut manifest = testing::manifest(schema.clone(), rows, None, None, &[]);
    let object = |name: &str| Digest::of(Purpose::Object, name.as_bytes());
    let mut layout = layout_plan::score(&schema);
    layout.chunks = vec![Chunk { object: object("chunk"), rows }];
    layout.evaluation_keys = object("keys");
    manifest.score = Some(layout);
    manifest.scan = None;
    manifest.objects = manifest.mentioned().iter().map(|d| ObjectRef { digest: *d, bytes: 1 }).collect();
    manifest.root = merkle::root(&manifest.mentioned());
    (schema, table, manifest)
}

fn only(schema: &Schema, column: u16, codes: &[u32]) -> Predicate {
    Predicate::column_in(schema, ColumnId(column), CodeSet::from_codes(codes.iter().copied()))
}

fn split(column: u16, codes: std::ops::Range<u32>, right: u32) -> ScoreNode {
    ScoreNode::Split { column: ColumnId(column), codes: CodeSet::from_codes(codes), right }
}

/// A tree of four splits on a path, some of which others decide, over all columns.
fn tree() -> Vec<ScoreNode> {
    let leaf = ScoreNode::Leaf;
    vec![
        split(3, 0..250, 14),
        split(1, 0..2, 9),
        split(2, 4..9, 8),
        // Always so here.
        split(3, 0..400, 7),
        split(0, 0..1, 6),
        leaf(40),
        leaf(-3),
        leaf(7),
        leaf(5),
        split(2, 0..10, 13),
        split(2, 5..12, 12),
        leaf(1),
        leaf(2),
        leaf(3),
        split(0, 1..2, 18),
        split(1, 1..3, 17),
        leaf(0),
        leaf(-30),
        leaf(9),
    ]
}

/// Points of three columns and a tree.
fn score() -> Score {
    Score {
        intercept: -7,
        terms: vec![
            // Null has the last code.
            ScoreTerm::Codes { column: ColumnId(1), values: vec![4, 0, 11, -2] },
            ScoreTerm::Codes { column: ColumnId(2), values: (0..20).map(|code| 3 * code).collect() },
            ScoreTerm::Codes { column: ColumnId(3), values: (0..600).map(|code| code / 200).collect() },
            ScoreTerm::Tree(tree()),
        ],
    }
}

/// Bands of one score of the rows of a predicate.
fn asked(score: &Score, predicate: Predicate, groups: &[u16]) -> Query {
    let (low, high) = score.bounds();
    let cuts = [low, -5, 0, 17, 18, 60, high + 1];
    let band = |pair: &[i64]| Expression::Band { score: 0, from: pair[0], to: pair[1], when: Predicate::All };
    let bands: Vec<Expression> = cuts.windows(2).map(band).collect();
    Query { scores: vec![score.clone()], ..query(predicate, groups, &bands) }
}

#[test]
fn rows_within_bands_are_counted_exactly() {
    let (schema, table, manifest) = scored(400);
    assert_eq!(manifest.validate(), Ok(()));
    let score = score();
    assert!((100..=256).contains(&score.levels()), "{}", score.levels());
    for (predicate, groups) in
        [(Predicate::All, vec![0]), (within(&schema, 2, 3, 17), vec![0]), (only(&schema, 0, &[1]), vec![])]
    {
        let asked = asked(&score, predicate, &groups);
        assert_eq!(asked.validate(&schema), Ok(()));
        let program = lower(&manifest, &asked, LayoutKind::Scan).expect("lowers");
        let outputs = interpreter::run(&manifest, &program, &table);
        let totals = combine(&schema, &asked, &program, &outputs).expect("plausible");
        assert_eq!(totals, plaintext::evaluate(&schema, &asked, &table));
        let needs = asked.requirements(&schema);
        for group in &totals {
            let released = release(&schema, &needs, group, &[], 1);
            let all: i64 = released.iter().flatten().sum();
            assert_eq!(all, group.rows.cast_signed(), "every row is in one band");
            let kept = release(&schema, &needs, group, &[], 20);
            assert!(kept.iter().flatten().all(|count| *count >= 20), "{kept:?}");
        }
        let Program::Scan(program) = program else { panic!("of rows") };
        let noise = scan_noise(&program, 20).expect("it fits");
        eprintln!(
            "{} steps, depth {}, {} of {} bits",
            program.steps.len(),
            noise.depth,
            noise.noise_bits,
            noise.budget_bits
        );
        assert!(finishes_early(&program).expect("well formed"));
        assert!(partial_bytes(&program).expect("well formed") < 100 << 20);
    }
}

/// Three scores that are often equal.
fn classes() -> (Vec<String>, Vec<Score>) {
    let column = ColumnId(2);
    let points = ScoreTerm::Codes { column, values: (0..20).map(|code| code / 4).collect() };
    let leaf = ScoreNode::Leaf;
    let tree = ScoreTerm::Tree(vec![split(3, 0..250, 4), split(1, 0..2, 3), leaf(4), leaf(1), leaf(2)]);
    let scores =
        vec![cheap(), Score { intercept: 0, terms: vec![points] }, Score { intercept: 0, terms: vec![tree] }];
    (["one", "two", "three"].map(str::to_owned).to_vec(), scores)
}

#[test]
fn rows_are_sorted_by_the_largest_of_scores() {
    let (schema, table, manifest) = scored(400);
    let (labels, scores) = classes();
    let key = |labels: &[String], scores: &[Score]| GroupKey::Largest {
        labels: labels.to_vec(),
        scores: scores.to_vec(),
    };
    let count = [Expression::Count(Predicate::All)];
    let asked = |key: GroupKey| {
        let mut asked = query(within(&schema, 2, 1, 19), &[], &count);
        asked.groups = vec![key, GroupKey::Codes(ColumnId(0))];
        asked
    };
    let good = asked(key(&labels, &scores));
    assert_eq!(good.validate(&schema), Ok(()));
    let program = lower(&manifest, &good, LayoutKind::Scan).expect("lowers");
    let outputs = interpreter::run(&manifest, &program, &table);
    let totals = combine(&schema, &good, &program, &outputs).expect("plausible");
    assert_eq!(totals, plaintext::evaluate(&schema, &good, &table));
    assert!(totals.iter().filter(|group| group.rows > 0).count() > 4, "{totals:?}");
    // By hand: the first of equals.
    let class = |row: usize| {
        let of = |score: &Score| score.of(&schema, &table, row);
        let largest = scores.iter().map(of).max().expect("scores");
        scores.iter().position(|score| of(score) == largest).expect("one of them")
    };
    let code = |row: usize, column: u16| table.codes(ColumnId(column))[row];
    for group in &totals {
        let is_in = |row: &usize| {
            class(*row) == group.key[0] as usize
                && code(*row, 0) == group.key[1]
                && (1..19).contains(&code(*row, 2))
        };
        assert_eq!(group.rows, (0..400).filter(is_in).count() as u64, "{:?}", group.key);
    }
    let refused = |key: GroupKey| asked(key).validate(&schema).expect_err("refused");
    assert_eq!(refused(key(&labels[..1], &scores[..1])), QueryError::Compared { scores: 1, labels: 1 });
    assert_eq!(refused(key(&labels, &scores[..2])), QueryError::Compared { scores: 2, labels: 3 });
    let far =
        Score { intercept: 0, terms: vec![ScoreTerm::Codes { column: ColumnId(0), values: vec![0, 900] }] };
    assert!(matches!(refused(key(&labels[..2], &[cheap(), far])), QueryError::Score { .. }));
    let aggregates = lower(&manifest, &good, LayoutKind::Rollup);
    assert!(aggregates.is_err(), "aggregates know no score of a row");
}

/// As many trees as can differ, as deep as there is room for.
#[test]
fn the_largest_scores_that_are_accepted_are_compiled_or_refused() {
    let (schema, _, manifest) = scored(400);
    let full = |seed: u32| {
        let mut nodes = Vec::new();
        grow(5, seed, &mut nodes);
        ScoreTerm::Tree(nodes)
    };
    let score = Score { intercept: -60, terms: (0..255).map(full).collect() };
    assert_eq!(score.levels(), 256);
    let query = asked(&score, Predicate::All, &[0]);
    assert_eq!((query.validate(&schema), query.check_size(&schema)), (Ok(()), Ok(())));
    let started = std::time::Instant::now();
    let lowered = lower(&manifest, &query, LayoutKind::Scan);
    eprintln!("{:?} for 255 trees of 32 leaves", started.elapsed());
    // The third column takes products before the tree has any.
    assert!(matches!(lowered, Err(LowerError::Bound(_))), "too deep for 256 levels");
}

fn grow(splits: u32, seed: u32, nodes: &mut Vec<ScoreNode>) {
    if splits == 0 {
        nodes.push(ScoreNode::Leaf(i64::from(nodes.len().is_multiple_of(2) || seed.is_multiple_of(3))));
        return;
    }
    let (column, codes) = [(3, 600), (2, 20), (1, 3)][(seed as usize + splits as usize) % 3];
    let at = nodes.len();
    nodes.push(ScoreNode::Leaf(0));
    grow(splits - 1, seed.wrapping_mul(7) + 1, nodes);
    let right = u32::try_from(nodes.len()).expect("few nodes");
    grow(splits - 1, seed.wrapping_mul(5) + 2, nodes);
    nodes[at] = split(column, 0..1 + seed % (codes - 1), right);
}

/// Points of one column.
fn cheap() -> Score {
    let column = ColumnId(1);
    Score { intercept: 0, terms: vec![ScoreTerm::Codes { column, values: vec![1, 2, 3, 4] }] }
}

#[test]
fn what_cannot_be_scored_is_refused_by_name() {
    let (schema, _, mut manifest) = scored(50);
    let good = score();
    let asked = |score: &Score| asked(score, Predicate::All, &[]);
    let refused = |score: Score| asked(&score).validate(&schema).expect_err("refused");
    let mut wide = good.clone();
    wide.terms.push(ScoreTerm::Codes { column: ColumnId(0), values: vec![0, 500] });
    assert!(matches!(refused(wide), QueryError::Score { .. }));
    let mut short = good.clone();
    short.terms[0] = ScoreTerm::Codes { column: ColumnId(1), values: vec![1, 2, 3] };
    assert!(matches!(refused(short), QueryError::ScoreCodes { expected: 4, found: 3, .. }));
    let with_tree = |nodes: Vec<ScoreNode>| Score { intercept: 0, terms: vec![ScoreTerm::Tree(nodes)] };
    let cyclic = with_tree(vec![split(2, 0..3, 0), ScoreNode::Leaf(1), ScoreNode::Leaf(2)]);
    assert_eq!(refused(cyclic), QueryError::ScoreTree { term: 0, error: TreeError::Order });
    let trivial = with_tree(vec![split(2, 0..20, 2), ScoreNode::Leaf(1), ScoreNode::Leaf(2)]);
    assert!(matches!(refused(trivial), QueryError::ScoreSplit { codes: 20, .. }));
    let mut large = good.clone();
    large.terms = vec![ScoreTerm::Tree(tree()); 1_000];
    let parts = Query { scores: vec![large.clone(), large], ..asked(&good) };
    assert!(matches!(parts.check_size(&schema), Err(QueryError::ScoreParts { .. })));
    let unused = Query { scores: vec![good.clone(), cheap()], ..asked(&good) };
    assert_eq!(unused.validate(&schema), Err(QueryError::Scores(2)));
    assert_eq!(Query { scores: vec![], ..asked(&good) }.validate(&schema), Err(QueryError::Scores(0)));
    let mut measured = good.clone();
    measured.terms.push(ScoreTerm::Codes { column: ColumnId(4), values: vec![] });
    assert!(matches!(refused(measured), QueryError::NotADimension(_)));
    manifest.score = None;
    let error = lower(&manifest, &asked(&good), LayoutKind::Scan).expect_err("not published");
    assert_eq!(error, LowerError::NoScores);
    assert!(error.to_string().contains("--models"));
}

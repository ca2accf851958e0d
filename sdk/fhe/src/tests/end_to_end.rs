//! Aggregate or encrypt, evaluate, decrypt and combine equals the plaintext evaluator, exactly.

use bytes::Bytes;
use rand::RngCore;
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    coded::CodedTable,
    cost::OperationCounts,
    digest::{Digest, Purpose},
    layout::LayoutKind,
    layout_plan::{self, RollupBudget},
    lower::lower,
    manifest::Manifest,
    parameters::ParameterSet,
    plaintext,
    program::Program,
    query::Query,
    release_values,
    testing::{self, Shape},
};

use super::support::{Counter, Segments, evaluator, keys, printed_rng, rows};
use crate::{
    outputs::{Outputs, decrypt},
    progress::Silent,
    rollup::{self, Aggregator},
    scan::{self, ChunkReader, Partial},
};

/// A random table published in both layouts, encrypted.
struct Published {
    manifest: Manifest,
    table: CodedTable,
    segments: Segments,
    chunks: Vec<Bytes>,
}

const SHAPE: Shape = Shape { columns: 4, codes: 9, width: 100_000, groups: 12, nesting: 2 };

fn publish(next: &mut impl FnMut() -> u64, set: ParameterSet, rng: &mut ChaCha20Rng) -> Published {
    let schema = testing::schema(next, &SHAPE);
    let chunk_rows = [1 + next() % 300, 1 + next() % 20, 1];
    let count: u64 = chunk_rows.iter().sum();
    let table = testing::table(next, &schema, count as usize);
    let layout = layout_plan::rollup(&schema, count, &RollupBudget::default());
    let mut scan = layout_plan::scan(&schema, count);
    if set != scan.parameter_set {
        // Limbs planned for the smaller set also fit the larger.
        scan.parameter_set = set;
    }
    let mut aggregator = Aggregator::new(&schema, &layout);
    let half = count as usize / 2;
    aggregator.add(&rows(&table, 0, half));
    aggregator.add(&rows(&table, half, count as usize));
    let segments = (0..aggregator.segments())
        .map(|index| aggregator.encrypt_segment(index, keys(), rng).expect("encrypted").into())
        .collect();
    let mut from = 0;
    let mut chunks = Vec::new();
    for rows_of_chunk in chunk_rows {
        let to = from + rows_of_chunk as usize;
        let chunk = scan::encrypt_chunk(keys(), &schema, &scan, &rows(&table, from, to), rng);
        chunks.push(chunk.expect("encrypted").into());
        from = to;
    }
    let manifest = testing::manifest(schema, count, Some(layout), Some(scan), &chunk_rows);
    manifest.validate().expect("a valid manifest");
    Published { manifest, table, segments: Segments(segments), chunks }
}

impl Published {
    fn evaluate(&self, program: &Program) -> Outputs {
        let progress = Counter::default();
        let outputs = match program {
            Program::Rollup(program) => {
                let layout = self.manifest.rollup.as_ref().expect("published");
                rollup::evaluate(layout, program, &self.segments, &progress).expect("evaluated")
            }
            Program::Scan(program) => {
                let evaluator = evaluator(program.parameter_set);
                let mut sum: Option<Partial> = None;
                for chunk in &self.chunks {
                    let reader = ChunkReader::new(chunk.clone(), program.parameter_set).expect("a chunk");
                    let partial = evaluator.evaluate_chunk(program, &reader, &progress).expect("evaluated");
                    match &mut sum {
                        None => sum = Some(partial),
                        Some(sum) => evaluator.merge(sum, partial, &progress).expect("merged"),
                    }
                }
                evaluator.finish(program, sum.expect("chunks"), &progress).expect("finished")
            }
        };
        assert_eq!(progress.total(), OperationCounts::of(program, self.chunks.len() as u64).total());
        outputs
    }

    fn check(&self, query: &Query, layout: LayoutKind) -> bool {
        let Ok(program) = lower(&self.manifest, query, layout) else { return false };
        let outputs = self.evaluate(&program);
        let bytes = outputs.to_bytes();
        let again = Outputs::from_bytes(&bytes, &program).expect("its own bytes");
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(outputs.digest(), Digest::of(Purpose::Object, &bytes));
        let decrypted = decrypt(keys(), &program, &again).expect("decrypted");
        let schema = &self.manifest.schema;
        let combined = release_values::combine(schema, query, &program, &decrypted).expect("combined");
        assert_eq!(combined, plaintext::evaluate(schema, query, &self.table), "{query:?}");
        true
    }
}

fn run(what: &str, set: ParameterSet, tables: usize, queries: usize) {
    let mut rng = printed_rng(what);
    let mut next = testing::sequence(rng.next_u64());
    let (mut answered, mut refused) = ([0, 0], [0, 0]);
    for _ in 0..tables {
        let published = publish(&mut next, set, &mut rng);
        for _ in 0..queries {
            let dataset = Digest::from_bytes([0; 32]);
            let query = testing::query(&mut next, &published.manifest.schema, dataset, &SHAPE);
            for (index, layout) in [LayoutKind::Rollup, LayoutKind::Scan].into_iter().enumerate() {
                if published.check(&query, layout) {
                    answered[index] += 1;
                } else {
                    refused[index] += 1;
                }
            }
        }
    }
    println!("{what}: [rollup, scan] answered {answered:?}, refused by a bound {refused:?}");
    assert!(answered.iter().all(|count| *count > 0));
}

#[test]
fn encrypted_answers_equal_plaintext_8k() {
    run("end to end, 8k", ParameterSet::Scan8kV1, 4, 5);
}

#[test]
fn encrypted_answers_equal_plaintext_16k() {
    run("end to end, 16k", ParameterSet::Scan16kV1, 1, 3);
}

#[test]
fn a_missing_object_is_named_and_cancelling_stops() {
    struct Stop;
    impl crate::progress::Progress for Stop {
        fn advance(&self, _: u64) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let mut rng = printed_rng("missing");
    let mut next = testing::sequence(rng.next_u64());
    let published = publish(&mut next, ParameterSet::Scan8kV1, &mut rng);
    let schema = &published.manifest.schema;
    let query = testing::query(&mut next, schema, Digest::from_bytes([0; 32]), &SHAPE);
    let Ok(Program::Scan(program)) = lower(&published.manifest, &query, LayoutKind::Scan) else { return };
    let evaluator = evaluator(program.parameter_set);
    let nothing = super::support::Slices::default();
    let error = evaluator.evaluate_chunk(&program, &nothing, &Silent).expect_err("nothing is there");
    assert!(error.to_string().contains("is missing"), "{error}");
    let reader = ChunkReader::new(published.chunks[0].clone(), program.parameter_set).expect("a chunk");
    let stopped = evaluator.evaluate_chunk(&program, &reader, &Stop);
    assert!(matches!(stopped, Err(crate::error::FheError::Cancelled)));
}

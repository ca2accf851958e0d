//! Auditions: a model evaluated on every encrypted row, of which counts come out.

use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use serde::Serialize;
use sordino_fhe::{evaluation_keys, scan::Evaluator};
use sordino_model::{
    audition,
    model::Link,
    quantised::{Format, IntegerNode, IntegerTree, Quantised, Shape, evaluate},
};
use sordino_protocol::{
    coded::CodedTable,
    digest::Digest,
    layout::LayoutKind,
    layout_plan,
    predicate::CodeSet,
    release_values::GroupTotals,
    schema::{ColumnId, Schema},
};

use super::{data, scan::Dataset};

const ROWS: usize = 32_768;
const DEPTH: u32 = 4;
/// The columns that the tree reads, by their codes; and the label.
const CODES: [u32; 6] = [16, 8, 32, 8, 16, 2];
/// Seconds that the tree may take.
const GOAL: f64 = 5.0;

/// One case.
#[derive(Debug, Serialize)]
struct Case {
    case: &'static str,
    exact: bool,
    evaluate_s: f64,
    samples: usize,
    layout: LayoutKind,
    parameter_set: String,
    multiplications: u64,
    threads: usize,
    goal_s: f64,
}

/// Measures every case and prints a line for each.
pub(super) fn run(json: bool) -> anyhow::Result<()> {
    let case = tree()?;
    if json {
        println!("{}", serde_json::to_string(&case)?);
    } else {
        println!(
            "{}: {:.3} s for {} rows ({}, {} multiplications a chunk, {} threads), at most {} s wanted; exact: {}",
            case.case,
            case.evaluate_s,
            case.samples,
            case.parameter_set,
            case.multiplications,
            case.threads,
            case.goal_s,
            case.exact
        );
    }
    anyhow::ensure!(case.exact, "an audition differs from the model in clear");
    Ok(())
}

fn tree() -> anyhow::Result<Case> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (schema, keys) = (data::schema(&CODES), data::keys());
    let table = data::rows(&schema, ROWS, 23);
    let label = ColumnId(u16::try_from(CODES.len() - 1)?);
    let model = model(&schema);
    let audition = audition::plan(&model, &schema, Digest::from_bytes([0; 32]), label, None)?;
    let set = layout_plan::scan(&schema, ROWS as u64).parameter_set;
    let dataset = Dataset::asked(&schema, ROWS as u64, set, audition.query)?;
    let chunks = dataset.encrypt(&keys, &table)?;
    let evaluator = Evaluator::new(set, &evaluation_keys::generate(&keys, set, &mut StdRng::from_os_rng())?)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (evaluate_s, outputs) = data::fastest(3, || {
        pool.install(|| {
            let evaluate = |chunk: &bytes::Bytes| dataset.evaluate_chunk(&evaluator, chunk.clone());
            let partials = chunks.par_iter().map(evaluate).collect::<Result<Vec<_>, _>>()?;
            dataset.finish(&evaluator, partials)
        })
    })?;
    let found = dataset.decrypt(&keys, &outputs)?;
    let exact = found == dataset.expected(&table) && confusion(&found) == in_clear(&model, &table, label)?;
    Ok(Case {
        case: "audition_tree_depth4_32768",
        exact,
        evaluate_s,
        samples: ROWS,
        layout: LayoutKind::Scan,
        parameter_set: set.to_string(),
        multiplications: dataset.multiplications(),
        threads,
        goal_s: GOAL,
    })
}

/// A full tree whose every split cuts a column in two, and whose neighbouring leaves differ.
fn model(schema: &Schema) -> Quantised {
    let splits = (1u32 << DEPTH) - 1;
    let split = |node: u32| {
        let column = ColumnId(u16::try_from(node % (CODES.len() as u32 - 1)).unwrap_or(0));
        let codes = schema.column(column).codes();
        let cut = codes / 2 - 1 + node % 3;
        let codes = CodeSet::from_ranges(vec![(0, cut)]);
        IntegerNode::Split { column, codes, left: 2 * node + 1, right: 2 * node + 2 }
    };
    let leaf = |leaf: u32| IntegerNode::Leaf(if leaf.is_multiple_of(2) { vec![1, 0] } else { vec![0, 1] });
    Quantised {
        format: Format::V1,
        shape: Shape::Trees {
            base: vec![0, 0],
            trees: vec![IntegerTree {
                score: 0,
                nodes: (0..splits).map(split).chain((0..=splits).map(leaf)).collect(),
            }],
        },
        link: Link::Probabilities,
        classes: vec!["0".to_owned(), "1".to_owned()],
        fraction_bits: 0,
        bounds: vec![(0, 1), (0, 1)],
    }
}

/// Rows by predicted class, then by label.
fn confusion(groups: &[GroupTotals]) -> Vec<u64> {
    groups.iter().map(|group| group.rows).collect()
}

fn in_clear(model: &Quantised, table: &CodedTable, label: ColumnId) -> anyhow::Result<Vec<u64>> {
    let mut counts = vec![0; 4];
    for row in 0..table.rows {
        let class = evaluate(model, table, row)?.class.unwrap_or(0);
        counts[class * 2 + table.codes(label)[row] as usize] += 1;
    }
    Ok(counts)
}

//! Scan: the cost of a multiplication, and a sum under three predicates over 32,768 rows.

use std::path::Path;

use bytes::Bytes;
use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use sordino_fhe::{
    evaluation_keys,
    keys::SecretKeys,
    outputs::{self, Outputs},
    progress::Silent,
    scan::{self, ChunkReader, Evaluator},
};
use sordino_protocol::{
    coded::CodedTable,
    digest::Digest,
    ids::LineageId,
    layout::{Chunk, LayoutKind, ScanLayout},
    layout_plan, lower,
    manifest::Manifest,
    merkle,
    parameters::ParameterSet,
    plaintext,
    program::{Program, Recipe, ScanProgram, Step},
    query::Query,
    release_values::{self, GroupTotals},
    schema::Schema,
};

use super::{Findings, Target, data};

const ROWS: usize = 32_768;

/// A dataset of made-up rows whose chunks are read from where the caller keeps them.
struct Dataset {
    manifest: Manifest,
    layout: ScanLayout,
    query: Query,
    program: Program,
}

/// Returns the seconds per row of the faster set, for the comparison with the naive program.
pub(super) fn measure(keys: &SecretKeys, threads: usize, findings: &mut Findings) -> anyhow::Result<f64> {
    let schema = data::schema(&[8, 8, 8]);
    let table = data::rows(&schema, ROWS, 11);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut best = f64::INFINITY;
    for set in [ParameterSet::Scan8kV1, ParameterSet::Scan16kV1] {
        let dataset = Dataset::new(&schema, ROWS as u64, set)?;
        let chunks = dataset.encrypt(keys, &table)?;
        let keys_object = evaluation_keys::generate(keys, set, &mut StdRng::from_os_rng())?;
        let evaluator = Evaluator::new(set, &keys_object)?;
        multiplication(&one_core, &evaluator, &dataset, &chunks[0], findings)?;
        for (pool, cores) in [(&one_core, 1), (&pool, threads)] {
            let (seconds, outputs) = data::fastest(3, || {
                pool.install(|| {
                    let evaluate = |chunk: &Bytes| dataset.evaluate_chunk(&evaluator, chunk.clone());
                    let partials = chunks.par_iter().map(evaluate).collect::<Result<Vec<_>, _>>()?;
                    dataset.finish(&evaluator, partials)
                })
            })?;
            findings.check(dataset.decrypt(keys, &outputs)? == dataset.expected(&table));
            let target = (cores == threads).then_some(Target::AtMost(1.0));
            findings.add(
                "scan_sum_32768",
                format!("SUM and COUNT under three predicates over {ROWS} rows, {set}, {cores} threads"),
                seconds,
                "s",
                target,
            );
            if cores == threads {
                best = best.min(seconds / ROWS as f64);
            }
        }
    }
    Ok(best)
}

/// Evaluates over `rows` rows whose chunks lie in a folder, as the worker does.
pub(super) fn measure_large(
    keys: &SecretKeys,
    threads: usize,
    rows: u64,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let schema = data::schema(&[8, 8, 8]);
    let dataset = Dataset::new(&schema, rows, ParameterSet::Scan16kV1)?;
    let slots = dataset.slots()?;
    let folder = tempfile::tempdir()?;
    let mut expected = vec![];
    let chunks = rows.div_ceil(slots as u64);
    for chunk in 0..chunks {
        let length = (rows - chunk * slots as u64).min(slots as u64);
        let table = data::rows(&schema, usize::try_from(length)?, chunk);
        expected.push(dataset.expected(&table));
        let object = scan::encrypt_chunk(keys, &schema, &dataset.layout, &table, &mut StdRng::from_os_rng())?;
        std::fs::write(path(folder.path(), chunk), object)?;
    }
    let set = dataset.layout.parameter_set;
    let evaluator = Evaluator::new(set, &evaluation_keys::generate(keys, set, &mut StdRng::from_os_rng())?)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (seconds, outputs) = data::fastest(1, || {
        let partial = pool.install(|| {
            (0..chunks)
                .into_par_iter()
                .map(|chunk| {
                    let file = std::fs::File::open(path(folder.path(), chunk))?;
                    dataset.evaluate_chunk(&evaluator, file)
                })
                .try_reduce_with(|mut one, other| {
                    evaluator.merge(&mut one, other, &Silent)?;
                    Ok(one)
                })
        });
        let partial = partial.ok_or_else(|| anyhow::anyhow!("no chunk"))??;
        dataset.finish(&evaluator, vec![partial])
    })?;
    findings.check(dataset.decrypt(keys, &outputs)? == add_up(expected));
    findings.add(
        "scan_sum_large",
        format!("the same over {rows} rows, {set}, {threads} threads, chunks read from a folder"),
        seconds,
        "s",
        None,
    );
    Ok(())
}

fn path(folder: &Path, chunk: u64) -> std::path::PathBuf {
    folder.join(format!("{chunk}.parquet"))
}

fn add_up(parts: Vec<Vec<GroupTotals>>) -> Vec<GroupTotals> {
    let add = |mut sum: Vec<GroupTotals>, part: Vec<GroupTotals>| {
        for (sum, part) in sum.iter_mut().zip(part) {
            sum.rows += part.rows;
            sum.values.iter_mut().zip(part.values).for_each(|(sum, value)| *sum += value);
        }
        sum
    };
    parts.into_iter().reduce(add).unwrap_or_default()
}

/// Microseconds per row and core of one product with relinearisation: the difference between a
/// program of nine and one of one.
fn multiplication(
    pool: &rayon::ThreadPool,
    evaluator: &Evaluator,
    dataset: &Dataset,
    chunk: &Bytes,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let slices = dataset.layout.slices();
    let seconds = |products: u32| {
        let program = ScanProgram {
            parameter_set: dataset.layout.parameter_set,
            slices: slices[..2].to_vec(),
            steps: (0..products).map(|_| Step::Multiply(0, 1)).collect(),
            outputs: (2..2 + products).collect(),
            recipes: vec![Recipe(vec![])],
        };
        let reader = ChunkReader::new(chunk.clone(), dataset.layout.parameter_set)?;
        let run = || Ok(evaluator.evaluate_chunk(&program, &reader, &Silent)?);
        data::fastest(3, || pool.install(run)).map(|(seconds, _)| seconds)
    };
    let each = (seconds(9)? - seconds(1)?) / 8.0;
    findings.add(
        "scan_multiplication",
        format!("one product with relinearisation, per row and core, {}", dataset.layout.parameter_set),
        each * 1e6 / dataset.slots()? as f64,
        "us/row",
        Some(Target::AtMost(10.0)),
    );
    Ok(())
}

impl Dataset {
    fn new(schema: &Schema, rows: u64, set: ParameterSet) -> anyhow::Result<Self> {
        let query = data::query(schema, Digest::from_bytes([0; 32]));
        let mut layout = layout_plan::scan(schema, rows);
        layout.parameter_set = set;
        let slots = set.scan().map_or(1, |parameters| parameters.degree as u64);
        layout.chunks = (0..rows.div_ceil(slots))
            .map(|chunk| Chunk {
                object: Digest::from_bytes([0; 32]),
                rows: (rows - chunk * slots).min(slots),
            })
            .collect();
        let manifest = Manifest {
            lineage: LineageId::new(Default::default()),
            version: 1,
            previous: None,
            schema: schema.clone(),
            rows,
            rollup: None,
            scan: Some(layout.clone()),
            score: None,
            sandbox: None,
            objects: vec![],
            root: merkle::root(&[]),
        };
        let program = lower::lower(&manifest, &query, LayoutKind::Scan)?;
        Ok(Self { manifest, layout, query, program })
    }

    fn slots(&self) -> anyhow::Result<usize> {
        let parameters = self.layout.parameter_set.scan();
        Ok(parameters.ok_or_else(|| anyhow::anyhow!("not a scan set"))?.degree)
    }

    fn scan_program(&self) -> anyhow::Result<&ScanProgram> {
        match &self.program {
            Program::Scan(program) => Ok(program),
            Program::Rollup(_) => anyhow::bail!("not a scan program"),
        }
    }

    fn encrypt(&self, keys: &SecretKeys, table: &CodedTable) -> anyhow::Result<Vec<Bytes>> {
        let slots = self.slots()?;
        (0..table.rows.div_ceil(slots))
            .map(|chunk| {
                let range = chunk * slots..((chunk + 1) * slots).min(table.rows);
                let part = data::part(table, range);
                let mut rng = StdRng::from_os_rng();
                Ok(scan::encrypt_chunk(keys, &self.manifest.schema, &self.layout, &part, &mut rng)?.into())
            })
            .collect()
    }

    fn evaluate_chunk<R>(&self, evaluator: &Evaluator, chunk: R) -> anyhow::Result<scan::Partial>
    where
        ChunkReader<R>: scan::SliceSource,
        R: parquet::file::reader::ChunkReader + 'static,
    {
        let reader = ChunkReader::new(chunk, self.layout.parameter_set)?;
        Ok(evaluator.evaluate_chunk(self.scan_program()?, &reader, &Silent)?)
    }

    fn finish(&self, evaluator: &Evaluator, partials: Vec<scan::Partial>) -> anyhow::Result<Outputs> {
        let mut partials = partials.into_iter();
        let mut sum = partials.next().ok_or_else(|| anyhow::anyhow!("no chunk"))?;
        for partial in partials {
            evaluator.merge(&mut sum, partial, &Silent)?;
        }
        Ok(evaluator.finish(self.scan_program()?, sum, &Silent)?)
    }

    fn decrypt(&self, keys: &SecretKeys, outputs: &Outputs) -> anyhow::Result<Vec<GroupTotals>> {
        let values = outputs::decrypt(keys, &self.program, outputs)?;
        Ok(release_values::combine(&self.manifest.schema, &self.query, &self.program, &values)?)
    }

    fn expected(&self, table: &CodedTable) -> Vec<GroupTotals> {
        plaintext::evaluate(&self.manifest.schema, &self.query, table)
    }
}

//! Tables under encryption, and answers to queries as the platform computes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use sordino_engine::planner;
use sordino_fhe::{
    evaluation_keys,
    keys::SecretKeys,
    outputs::{self, Outputs},
    progress::Silent,
    rollup::{self, Aggregator},
    scan::{self, ChunkReader, Evaluator},
};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    canonical::Canonical,
    coded::CodedTable,
    digest::Digest,
    ids::LineageId,
    layout::{Chunk, ScanLayout},
    layout_plan::{self, Budget, Publication},
    manifest::Manifest,
    merkle,
    parameters::ParameterSet,
    plaintext,
    program::{Program, ScanProgram, Step},
    query::Query,
    release_values,
    schema::Schema,
};

use super::super::{data, rollup::InMemory};

/// The owner's keys, and what the platform has expanded of them.
pub(super) struct Party {
    keys: SecretKeys,
    evaluators: BTreeMap<ParameterSet, Arc<Evaluator>>,
}

/// What the platform computed, decrypted and as it is released without noise.
pub(super) struct Answered {
    pub(super) answer: Answer,
    /// Whether it is the answer in clear.
    pub(super) exact: bool,
    pub(super) seconds: f64,
    pub(super) layout: &'static str,
    pub(super) set: ParameterSet,
    /// Products of ciphertexts in every chunk.
    pub(super) multiplications: u64,
}

/// A table that is published. What no query reads is never encrypted.
pub(super) struct Encrypted {
    manifest: Manifest,
    table: CodedTable,
    segments: Option<InMemory>,
    chunks: BTreeMap<ParameterSet, Vec<Bytes>>,
}

impl Party {
    pub(super) fn new() -> Self {
        Self { keys: data::keys(), evaluators: BTreeMap::new() }
    }

    fn evaluator(&mut self, set: ParameterSet) -> anyhow::Result<Arc<Evaluator>> {
        if let Some(known) = self.evaluators.get(&set) {
            return Ok(Arc::clone(known));
        }
        let keys = evaluation_keys::generate(&self.keys, set, &mut StdRng::from_os_rng())?;
        let made = Arc::new(Evaluator::new(set, &keys)?);
        self.evaluators.insert(set, Arc::clone(&made));
        Ok(made)
    }
}

impl Encrypted {
    /// Plans what is published, as `sordino publish` does.
    pub(super) fn new(schema: &Schema, table: CodedTable, budget: &Budget) -> anyhow::Result<Self> {
        let rows = table.rows as u64;
        let Publication { rollup, scan, score, .. } = layout_plan::publication(schema, rows, budget)?;
        let manifest = Manifest {
            lineage: LineageId::new(Default::default()),
            version: 1,
            previous: None,
            schema: schema.clone(),
            rows,
            rollup,
            scan: scan.map(|layout| with_chunks(layout, rows)),
            score: score.map(|layout| with_chunks(layout, rows)),
            sandbox: None,
            objects: vec![],
            root: merkle::root(&[]),
        };
        Ok(Self { manifest, table, segments: None, chunks: BTreeMap::new() })
    }

    pub(super) const fn rows(&self) -> &CodedTable {
        &self.table
    }

    pub(super) const fn schema(&self) -> &Schema {
        &self.manifest.schema
    }

    /// Whether some layout can answer a query.
    pub(super) fn answers(&self, query: &Query) -> bool {
        planner::plan(&self.manifest, query, None).is_ok()
    }

    /// Answers a query on the layout that the platform's planner chooses; of several runs the fastest
    /// counts.
    pub(super) fn ask(
        &mut self,
        party: &mut Party,
        query: &Query,
        repeats: usize,
    ) -> anyhow::Result<Answered> {
        let program = planner::plan(&self.manifest, query, None)?.program;
        let (seconds, outputs) = match &program {
            Program::Rollup(rollup) => {
                self.aggregate(party)?;
                let (Some(layout), Some(source)) = (&self.manifest.rollup, &self.segments) else {
                    anyhow::bail!("no aggregates are published")
                };
                data::fastest(repeats, || Ok(rollup::evaluate(layout, rollup, source, &Silent)?))?
            }
            Program::Scan(scan) => {
                self.encrypt(party, scan.parameter_set)?;
                let evaluator = party.evaluator(scan.parameter_set)?;
                let chunks = self.chunks.get(&scan.parameter_set).map_or(&[][..], Vec::as_slice);
                data::fastest(repeats, || run(&evaluator, scan, chunks))?
            }
        };
        let schema = &self.manifest.schema;
        let values = outputs::decrypt(&party.keys, &program, &outputs)?;
        let totals = release_values::combine(schema, query, &program, &values)?;
        let exact = totals == plaintext::evaluate(schema, query, &self.table);
        let needs = query.requirements(schema);
        let noise = vec![0.0; needs.quantities.len()];
        let groups = totals.into_iter().map(|totals| AnswerGroup {
            values: Some(release_values::release(schema, &needs, &totals, &noise, 1)),
            key: totals.key,
        });
        let answer = Answer::new(schema, query, query.digest()?, groups.collect(), noise.clone(), 1);
        let (set, multiplications) = (program.parameter_set(), multiplications(&program));
        Ok(Answered { answer, exact, seconds, layout: layout_of(set), set, multiplications })
    }

    fn aggregate(&mut self, party: &Party) -> anyhow::Result<()> {
        if let (Some(layout), None) = (&self.manifest.rollup, &self.segments) {
            let mut aggregator = Aggregator::new(&self.manifest.schema, layout);
            aggregator.add(&self.table);
            let mut rng = StdRng::from_os_rng();
            let segments = (0..aggregator.segments())
                .map(|index| aggregator.encrypt_segment(index, &party.keys, &mut rng).map(Bytes::from))
                .collect::<Result<_, _>>()?;
            self.segments = Some(InMemory(segments));
        }
        Ok(())
    }

    fn encrypt(&mut self, party: &Party, set: ParameterSet) -> anyhow::Result<()> {
        let layouts = self.manifest.scan.iter().chain(&self.manifest.score);
        let Some(layout) = layouts.into_iter().find(|layout| layout.parameter_set == set) else {
            anyhow::bail!("no rows are published in {set}")
        };
        if !self.chunks.contains_key(&set) {
            let chunks = chunks(&party.keys, &self.manifest.schema, layout, &self.table)?;
            self.chunks.insert(set, chunks);
        }
        Ok(())
    }
}

/// Which layouts and sets some answers came from.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    pub(super) names: BTreeSet<&'static str>,
    pub(super) sets: BTreeSet<ParameterSet>,
}

impl Layouts {
    pub(super) fn add(&mut self, answered: &Answered) {
        self.names.insert(answered.layout);
        self.sets.insert(answered.set);
    }

    pub(super) fn name(&self) -> String {
        self.names.iter().copied().collect::<Vec<_>>().join("+")
    }
}

const fn layout_of(set: ParameterSet) -> &'static str {
    match set {
        ParameterSet::RollupV1 => "rollup",
        ParameterSet::Score16kV1 => "score",
        _ => "scan",
    }
}

fn slots(set: ParameterSet) -> anyhow::Result<usize> {
    Ok(set.scan().ok_or_else(|| anyhow::anyhow!("{set} has no slots"))?.degree)
}

fn with_chunks(mut layout: ScanLayout, rows: u64) -> ScanLayout {
    let slots = layout.parameter_set.scan().map_or(1, |numbers| numbers.degree as u64);
    let chunk =
        |chunk: u64| Chunk { object: Digest::from_bytes([0; 32]), rows: (rows - chunk * slots).min(slots) };
    layout.chunks = (0..rows.div_ceil(slots)).map(chunk).collect();
    layout
}

fn chunks(
    keys: &SecretKeys,
    schema: &Schema,
    layout: &ScanLayout,
    table: &CodedTable,
) -> anyhow::Result<Vec<Bytes>> {
    let slots = slots(layout.parameter_set)?;
    let chunk = |start: usize| {
        let part = data::part(table, start..(start + slots).min(table.rows));
        Ok(scan::encrypt_chunk(keys, schema, layout, &part, &mut StdRng::from_os_rng())?.into())
    };
    (0..table.rows).step_by(slots).map(chunk).collect()
}

fn run(evaluator: &Evaluator, program: &ScanProgram, chunks: &[Bytes]) -> anyhow::Result<Outputs> {
    let evaluate = |chunk: &Bytes| {
        let reader = ChunkReader::new(chunk.clone(), program.parameter_set)?;
        evaluator.evaluate_chunk(program, &reader, &Silent)
    };
    let partials = chunks.par_iter().map(evaluate).collect::<Result<Vec<_>, _>>()?;
    let mut partials = partials.into_iter();
    let mut sum = partials.next().ok_or_else(|| anyhow::anyhow!("no chunk"))?;
    for partial in partials {
        evaluator.merge(&mut sum, partial, &Silent)?;
    }
    Ok(evaluator.finish(program, sum, &Silent)?)
}

fn multiplications(program: &Program) -> u64 {
    match program {
        Program::Scan(program) => {
            let product = |step: &&Step| matches!(step, Step::Multiply(..) | Step::MultiplyRaw(..));
            program.steps.iter().filter(product).count() as u64
        }
        Program::Rollup(_) => 0,
    }
}

//! Evaluating a program again, and comparing the outputs by digest: programs are deterministic.

use std::{
    fs::{self, File},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use sordino_fhe::{
    error::{FheError, SourceError},
    outputs::Outputs,
    progress::Silent,
    rollup,
    scan::{ChunkReader, Evaluator},
};
use sordino_protocol::{
    digest::Digest,
    layout::{RollupLayout, ScanLayout},
    manifest::Manifest,
    parameters::{ParameterSet, ROLLUP_V1},
    program::{CellOutput, Program, RollupProgram, ScanProgram},
    receipt::RefusalReason,
    release::ReleaseRequest,
};

use super::{
    Gate, Verify,
    error::{Refusal, Stop},
    objects::CachedSegments,
};
use crate::ClientError;

/// Framing around outputs, generously.
const FRAME: u64 = 1_024;

/// The evaluator of the last dataset: reading evaluation keys is expensive.
#[derive(Debug, Default)]
pub(super) struct EvaluatorCache(Mutex<Option<(Digest, Arc<Evaluator>)>>);

impl EvaluatorCache {
    fn get(
        &self,
        digest: Digest,
        make: impl FnOnce() -> Result<Evaluator, FheError>,
    ) -> Result<Arc<Evaluator>, FheError> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, evaluator)) = cached.as_ref().filter(|(of, _)| *of == digest) {
            return Ok(Arc::clone(evaluator));
        }
        let evaluator = Arc::new(make()?);
        *cached = Some((digest, Arc::clone(&evaluator)));
        Ok(evaluator)
    }
}

/// Whether to evaluate this program again.
pub(super) fn wanted(setting: Verify, program: &Program) -> bool {
    match (program, setting) {
        (Program::Rollup(_), _) | (_, Verify::Always) => true,
        (_, Verify::Never) => false,
        (_, Verify::Sample(probability)) => rand::random::<f64>() < probability,
    }
}

impl Gate {
    /// The output ciphertexts of a request: what the receipt's digest names, and well formed.
    pub(super) async fn outputs(&self, request: &ReleaseRequest, program: &Program) -> Result<Outputs, Stop> {
        let bytes = match self.cached(&request.outputs).await {
            Some(bytes) => bytes,
            None => match self.client.object(&request.outputs, largest(program)).await {
                Err(error @ (ClientError::TooLarge { .. } | ClientError::ObjectDigest { .. })) => {
                    return Err(Refusal::new(RefusalReason::BadCiphertext, error).into());
                }
                other => other?,
            },
        };
        Ok(Outputs::from_bytes(&bytes, program)?)
    }

    /// Evaluates `program` and refuses when its outputs have another digest than `stated`.
    pub(super) async fn compare(
        &self,
        manifest: &Manifest,
        program: &Program,
        stated: &Digest,
    ) -> Result<(), Stop> {
        let no_layout = || Refusal::new(RefusalReason::ProgramMismatch, "the dataset has no such layout");
        let own = match program {
            Program::Rollup(program) => {
                let layout = manifest.rollup.as_ref().ok_or_else(no_layout)?;
                self.evaluate_rollup(manifest, layout, program).await?
            }
            Program::Scan(program) => {
                let layout = manifest.scan_layout(program.parameter_set).ok_or_else(no_layout)?;
                self.evaluate_scan(manifest, layout, program).await?
            }
        };
        if own == *stated {
            return Ok(());
        }
        let detail = format!("evaluated again, the outputs are {own}, not {stated}");
        Err(Refusal::new(RefusalReason::OutputMismatch, detail).into())
    }

    async fn evaluate_rollup(
        &self,
        manifest: &Manifest,
        layout: &RollupLayout,
        program: &RollupProgram,
    ) -> Result<Digest, Stop> {
        for index in segments(program) {
            let digest = usize::try_from(index).ok().and_then(|index| layout.segments.get(index));
            if let Some(digest) = digest {
                self.fetch(manifest, digest).await?;
            }
        }
        let source = CachedSegments { folder: self.profile.object_cache(), layout: layout.clone() };
        let program = program.clone();
        blocking(move || Ok(rollup::evaluate(&source.layout, &program, &source, &Silent)?.digest())).await
    }

    async fn evaluate_scan(
        &self,
        manifest: &Manifest,
        layout: &ScanLayout,
        program: &ScanProgram,
    ) -> Result<Digest, Stop> {
        let keys = self.fetch(manifest, &layout.evaluation_keys).await?;
        let mut chunks = Vec::with_capacity(layout.chunks.len());
        for chunk in &layout.chunks {
            chunks.push(self.fetch(manifest, &chunk.object).await?);
        }
        let (set, digest) = (layout.parameter_set, layout.evaluation_keys);
        let (evaluators, program) = (Arc::clone(&self.evaluators), program.clone());
        blocking(move || {
            let make = || Evaluator::new(set, &fs::read(&keys).map_err(SourceError::from)?);
            scan(&*evaluators.get(digest, make)?, set, &program, &chunks)
        })
        .await
    }
}

fn scan(
    evaluator: &Evaluator,
    set: ParameterSet,
    program: &ScanProgram,
    chunks: &[PathBuf],
) -> Result<Digest, FheError> {
    let mut merged = None;
    for path in chunks {
        let file = File::open(path).map_err(SourceError::from)?;
        let reader = ChunkReader::new(file, set)?;
        let partial = evaluator.evaluate_chunk(program, &reader, &Silent)?;
        match &mut merged {
            None => merged = Some(partial),
            Some(merged) => evaluator.merge(merged, partial, &Silent)?,
        }
    }
    let merged = merged.ok_or_else(|| SourceError::Missing { what: "every chunk".to_owned() })?;
    Ok(evaluator.finish(program, merged, &Silent)?.digest())
}

async fn blocking(work: impl FnOnce() -> Result<Digest, FheError> + Send + 'static) -> Result<Digest, Stop> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ClientError::Task("evaluate").into()),
    }
}

/// Indices of the segments that a program reads.
fn segments(program: &RollupProgram) -> Vec<u64> {
    let size = ROLLUP_V1.segment_cells();
    let read = |output: &CellOutput| {
        let selection = program.selections.get(output.selection as usize)?;
        Some((program.arrays.get(output.array as usize)?.first, selection))
    };
    let mut indices: Vec<u64> = program
        .outputs
        .iter()
        .filter_map(read)
        .flat_map(|(first, selection)| {
            let ranges = selection.iter().filter(|(low, high)| low < high);
            ranges.flat_map(move |(low, high)| (first + low) / size..=(first + high - 1) / size)
        })
        .collect();
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// The most bytes the outputs of a program can have.
fn largest(program: &Program) -> u64 {
    let each = match program.parameter_set().scan() {
        None => 8 * (ROLLUP_V1.degree * ROLLUP_V1.dimension + 1) as u64,
        Some(set) => (2 * 8 * set.degree * set.moduli.len()) as u64,
    };
    (program.output_count() as u64).saturating_mul(each + FRAME).saturating_add(FRAME)
}

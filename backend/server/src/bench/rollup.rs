//! Rollup: a cuboid of 10,000 cells, over a thousand and over a million rows.

use rand::{SeedableRng, rngs::StdRng};
use sordino_fhe::{
    error::SourceError,
    keys::SecretKeys,
    outputs,
    progress::Silent,
    rollup::{self, Aggregator, SegmentSource},
};
use sordino_protocol::{
    digest::Digest,
    ids::LineageId,
    layout::LayoutKind,
    layout_plan::{self, RollupBudget},
    lower,
    manifest::Manifest,
    merkle, plaintext,
    program::Program,
    release_values,
    schema::Schema,
};

use super::{Findings, Target, data};

/// Segments held in memory.
pub(super) struct InMemory(pub(super) Vec<bytes::Bytes>);

impl SegmentSource for InMemory {
    fn segment(&self, index: u64) -> Result<bytes::Bytes, SourceError> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.0.get(index))
            .cloned()
            .ok_or_else(|| SourceError::Missing { what: format!("segment {index}") })
    }
}

pub(super) fn measure(keys: &SecretKeys, findings: &mut Findings) -> anyhow::Result<()> {
    let schema = data::schema(&[20, 20, 25]);
    for rows in [1_000, 1_000_000] {
        let (milliseconds, exact) = evaluate(keys, &schema, rows)?;
        findings.check(exact);
        findings.add(
            "rollup_three_dimensions",
            format!("COUNT and SUM under three predicates, a cuboid of 10,000 cells made of {rows} rows"),
            milliseconds,
            "ms",
            Some(Target::AtMost(10.0)),
        );
    }
    Ok(())
}

fn evaluate(keys: &SecretKeys, schema: &Schema, rows: usize) -> anyhow::Result<(f64, bool)> {
    let table = data::rows(schema, rows, 7);
    let layout = layout_plan::rollup(schema, rows as u64, &RollupBudget::default());
    let mut aggregator = Aggregator::new(schema, &layout);
    aggregator.add(&table);
    let mut rng = StdRng::from_os_rng();
    let segments = (0..aggregator.segments())
        .map(|index| aggregator.encrypt_segment(index, keys, &mut rng).map(Into::into))
        .collect::<Result<Vec<bytes::Bytes>, _>>()?;
    let manifest = Manifest {
        lineage: LineageId::new(Default::default()),
        version: 1,
        previous: None,
        schema: schema.clone(),
        rows: rows as u64,
        rollup: Some(layout.clone()),
        scan: None,
        score: None,
        sandbox: None,
        objects: vec![],
        root: merkle::root(&[]),
    };
    let query = data::query(schema, Digest::from_bytes([0; 32]));
    let program = lower::lower(&manifest, &query, LayoutKind::Rollup)?;
    let Program::Rollup(rollup_program) = &program else { anyhow::bail!("not a rollup program") };
    let source = InMemory(segments);
    let (seconds, outputs) =
        data::fastest(5, || Ok(rollup::evaluate(&layout, rollup_program, &source, &Silent)?))?;
    let decrypted = outputs::decrypt(keys, &program, &outputs)?;
    let totals = release_values::combine(schema, &query, &program, &decrypted)?;
    Ok((seconds * 1e3, totals == plaintext::evaluate(schema, &query, &table)))
}

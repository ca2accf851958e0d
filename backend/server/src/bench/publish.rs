//! Encryption of scan chunks and of rollup cells, on one core.

use rand::{SeedableRng, rngs::StdRng};
use sordino_fhe::{keys::SecretKeys, scan};
use sordino_protocol::{layout_plan, parameters::ParameterSet};

use super::{Findings, Target, data};

pub(super) fn measure(keys: &SecretKeys, findings: &mut Findings) -> anyhow::Result<()> {
    let schema = data::schema(&[8, 8]);
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    for set in [ParameterSet::Scan8kV1, ParameterSet::Scan16kV1] {
        let slots = set.scan().map_or(0, |parameters| parameters.degree);
        let mut layout = layout_plan::scan(&schema, slots as u64);
        layout.parameter_set = set;
        let table = data::rows(&schema, slots, 3);
        let (seconds, object) = data::fastest(2, || {
            let mut rng = StdRng::from_os_rng();
            Ok(one_core.install(|| scan::encrypt_chunk(keys, &schema, &layout, &table, &mut rng))?)
        })?;
        let slices = layout.slices().len();
        findings.add(
            "publish_slots",
            format!("slots encrypted per second on one core, {set}"),
            (slices * slots) as f64 / seconds,
            "slots/s",
            Some(Target::AtLeast(300_000.0)),
        );
        findings.add(
            "slice_bytes",
            format!("bytes a row and slice, {set}"),
            object.len() as f64 / (slices * slots) as f64,
            "bytes",
            None,
        );
    }
    Ok(())
}

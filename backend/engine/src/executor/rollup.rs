//! Evaluation of rollup programs over stored segments.

use bytes::Bytes;
use sordino_fhe::{
    error::SourceError,
    outputs::Outputs,
    progress::Progress,
    rollup::{self, SegmentSource},
};
use sordino_protocol::{
    layout::LayoutKind,
    manifest::{Manifest, ObjectRef},
    program::RollupProgram,
};

use super::{
    EngineError,
    objects::{Objects, carried, uncarried},
};

/// The segments of a manifest; they are the first of its objects.
struct Segments<'a> {
    objects: &'a Objects,
    listed: &'a [ObjectRef],
}

impl SegmentSource for Segments<'_> {
    fn segment(&self, index: u64) -> Result<Bytes, SourceError> {
        let object = usize::try_from(index).ok().and_then(|index| self.listed.get(index));
        let object = object.ok_or_else(|| SourceError::Missing { what: format!("segment {index}") })?;
        self.objects.whole(object).map_err(carried)
    }
}

/// Evaluates on the current pool.
pub(super) fn evaluate(
    objects: &Objects,
    manifest: &Manifest,
    program: &RollupProgram,
    progress: &dyn Progress,
) -> Result<Outputs, EngineError> {
    let layout = manifest.rollup.as_ref().ok_or(EngineError::NoLayout(LayoutKind::Rollup))?;
    let listed = manifest.objects.get(..layout.segments.len()).unwrap_or_default();
    rollup::evaluate(layout, program, &Segments { objects, listed }, progress).map_err(uncarried)
}

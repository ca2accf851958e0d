//! A manifest that contradicts itself is refused, whatever the contradiction.

use sordino_protocol::{
    digest::Digest,
    layout::LayoutKind,
    layout_plan::RollupBudget,
    manifest::{Manifest, ManifestError, ObjectRef},
    merkle,
    parameters::ParameterSet,
    schema::{ColumnId, SchemaError},
};

use crate::planning::{dimension, measure, published, schema};

fn valid() -> Manifest {
    let mut nullable = dimension("n", 3);
    nullable.nullable = true;
    let columns = vec![dimension("a", 200), nullable, measure("m", 1 << 25), measure("x", 9)];
    published(schema(columns), 10_000, &RollupBudget::default())
}

fn refused(change: impl FnOnce(&mut Manifest)) -> ManifestError {
    let mut manifest = valid();
    change(&mut manifest);
    manifest.validate().expect_err("contradicts itself")
}

#[test]
fn a_contradiction_in_the_manifest_is_named() {
    let no_table = refused(|m| m.schema.table.clear());
    assert_eq!(no_table, ManifestError::Schema(SchemaError::TableName(String::new())));
    assert_eq!(refused(|m| m.version = 0), ManifestError::Version(0));
    assert_eq!(refused(|m| m.version = 2), ManifestError::Version(2));
    assert_eq!(refused(|m| m.previous = Some(m.root)), ManifestError::Version(1));
    let empty = refused(|m| {
        m.rollup = None;
        m.scan = None;
    });
    assert_eq!(empty, ManifestError::NoLayout);
    assert_eq!(refused(|m| m.root = Digest::from_bytes([0; 32])), ManifestError::Root);
    assert_eq!(refused(|m| m.objects.swap(0, 1)), ManifestError::Objects);
    let surplus = ObjectRef { digest: merkle::root(&[]), bytes: 1 };
    assert_eq!(refused(|m| m.objects.push(surplus)), ManifestError::Objects);
}

#[test]
fn a_contradiction_in_the_rollup_layout_is_named() {
    let changes: [fn(&mut Manifest); 12] = [
        |m| rollup(m).parameter_set = ParameterSet::Scan8kV1,
        |m| rollup(m).limb_bits = 0,
        |m| rollup(m).limb_bits = 34,
        |m| rollup(m).cuboids[1].dimensions = vec![ColumnId(2)],
        |m| rollup(m).cuboids[1].dimensions = vec![ColumnId(1), ColumnId(0)],
        |m| rollup(m).cuboids[1].arrays = 0,
        |m| rollup(m).cuboids[1].arrays -= 1,
        |m| rollup(m).cuboids[1].arrays += 1,
        |m| rollup(m).cuboids[1].cells += 1,
        |m| rollup(m).cuboids[1].first += 1,
        |m| rollup(m).cells += 1,
        |m| rollup(m).segments.clear(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let error = refused(change);
        assert!(
            matches!(error, ManifestError::Layout { layout: LayoutKind::Rollup, .. }),
            "{index}: {error:?}"
        );
    }
}

#[test]
fn a_contradiction_in_the_scan_layout_is_named() {
    let changes: [fn(&mut Manifest); 13] = [
        |m| scan(m).parameter_set = ParameterSet::RollupV1,
        |m| scan(m).digits.swap(0, 1),
        |m| scan(m).digits[0].bases.clear(),
        |m| scan(m).digits[0].bases = vec![199],
        |m| scan(m).digits[0].bases = vec![200, 1],
        |m| scan(m).measures.clear(),
        |m| scan(m).measures[0].limbs = 0,
        |m| scan(m).limb_bits = 0,
        |m| scan(m).limb_bits = 56,
        |m| scan(m).nullable.clear(),
        |m| scan(m).chunks[0].rows = 0,
        |m| scan(m).chunks[0].rows = 16_385,
        |m| m.rows += 1,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let error = refused(change);
        assert!(
            matches!(error, ManifestError::Layout { layout: LayoutKind::Scan, .. }),
            "{index}: {error:?}"
        );
    }
}

fn rollup(manifest: &mut Manifest) -> &mut sordino_protocol::layout::RollupLayout {
    manifest.rollup.as_mut().expect("published")
}

fn scan(manifest: &mut Manifest) -> &mut sordino_protocol::layout::ScanLayout {
    manifest.scan.as_mut().expect("published")
}

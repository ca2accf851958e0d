//! Masks of a whole predicate.
//!
//! A conjunction stays a list of masks until everything that is multiplied with it is known. A
//! disjunction of parts that exclude each other is their sum; otherwise it is the complement of the
//! conjunction of complements, because the complement of an atom is free.

use super::{
    atoms,
    builder::{Builder, Node},
};
use crate::{
    layout::{ScanLayout, Slice},
    predicate::{CodeSet, Predicate},
    schema::{ColumnId, Schema},
};

/// Builds the masks of normal-form predicates.
pub(super) struct Conditions<'a> {
    pub(super) builder: &'a mut Builder,
    pub(super) schema: &'a Schema,
    pub(super) layout: &'a ScanLayout,
}

impl Conditions<'_> {
    /// The masks whose conjunction selects the rows for which `predicate` holds, or does not if
    /// `negated`; `None` when it selects no row.
    pub(super) fn masks(&mut self, predicate: &Predicate, negated: bool) -> Option<Vec<Node>> {
        match (predicate, negated) {
            (Predicate::All, false) | (Predicate::Nothing, true) => Some(Vec::new()),
            (Predicate::Nothing, false) | (Predicate::All, true) => None,
            (Predicate::In { column, codes }, _) => {
                let size = self.schema.column(*column).marks();
                let codes = if negated { codes.complement(size) } else { codes.clone() };
                Some(self.atom(*column, size, &codes))
            }
            (Predicate::And(parts), false) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.masks(part, false)?);
                }
                Some(all)
            }
            (Predicate::And(_), true) => {
                let mask = self.mask(predicate, false);
                Some(vec![self.builder.complement(mask)])
            }
            (Predicate::Or(parts), true) => {
                let mut all = Vec::new();
                for cluster in exclusive_clusters(parts) {
                    match cluster[..] {
                        [part] => all.extend(self.masks(part, true)?),
                        _ => {
                            let any = self.any_of(&cluster);
                            all.push(self.builder.complement(any));
                        }
                    }
                }
                Some(all)
            }
            (Predicate::Or(parts), false) => {
                let clusters = exclusive_clusters(parts);
                if let [cluster] = &clusters[..] {
                    return Some(vec![self.any_of(cluster)]);
                }
                let mask = self.mask(predicate, true);
                Some(vec![self.builder.complement(mask)])
            }
        }
    }

    /// The masks of a set of codes. Whether a column has a value is a slice of its own.
    fn atom(&mut self, column: ColumnId, size: u32, codes: &CodeSet) -> Vec<Node> {
        if let Some(null) = self.schema.column(column).null_mark() {
            let present = CodeSet::from_ranges(vec![(0, null)]);
            if *codes == present || codes.complement(size) == present {
                let mask = self.builder.load(Slice::Present(column));
                return vec![if *codes == present { mask } else { self.builder.complement(mask) }];
            }
        }
        match self.layout.digits_of(column) {
            Some(digits) => atoms::masks(self.builder, digits, size, codes),
            // A query on a column without slices was refused before.
            None => vec![self.builder.nothing()],
        }
    }

    fn mask(&mut self, predicate: &Predicate, negated: bool) -> Node {
        match self.masks(predicate, negated) {
            Some(masks) => self.builder.conjunction(masks),
            None => self.builder.nothing(),
        }
    }

    /// The sum of parts that exclude each other.
    fn any_of(&mut self, parts: &[&Predicate]) -> Node {
        let masks = parts.iter().map(|part| self.mask(part, false)).collect();
        self.builder.sum(masks)
    }
}

/// Sorts the parts of a disjunction into clusters in which any two exclude each other.
fn exclusive_clusters(parts: &[Predicate]) -> Vec<Vec<&Predicate>> {
    let mut clusters: Vec<Vec<&Predicate>> = Vec::new();
    for part in parts {
        match clusters.iter_mut().find(|cluster| cluster.iter().all(|other| part.excludes(other))) {
            Some(cluster) => cluster.push(part),
            None => clusters.push(vec![part]),
        }
    }
    clusters
}

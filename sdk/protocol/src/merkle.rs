//! The Merkle root of a list of digests: it ties a receipt to every object of a dataset version.

use crate::digest::{Digest, Hasher, Purpose};

/// The root over `leaves` in order. Leaves and inner nodes are hashed for different purposes; an odd
/// node moves up unchanged, and the count is hashed in at the top, so no two lists share a root.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut level: Vec<Digest> =
        leaves.iter().map(|leaf| Digest::of(Purpose::MerkleLeaf, leaf.as_bytes())).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left.as_bytes(), right.as_bytes()),
                _ => pair[0],
            })
            .collect();
    }
    let top = level.first().copied().unwrap_or(Digest::from_bytes([0; 32]));
    node(top.as_bytes(), &(leaves.len() as u64).to_le_bytes())
}

fn node(left: &[u8], right: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Purpose::MerkleNode);
    hasher.update(left);
    hasher.update(right);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_the_list_changes_the_root() {
        let leaf = |n: u8| Digest::from_bytes([n; 32]);
        let lists = [
            vec![],
            vec![leaf(1)],
            vec![leaf(1), leaf(2)],
            vec![leaf(2), leaf(1)],
            vec![leaf(1), leaf(2), leaf(3)],
            vec![leaf(1), leaf(2), leaf(3), leaf(3)],
        ];
        for (i, a) in lists.iter().enumerate() {
            for b in &lists[i + 1..] {
                assert_ne!(root(a), root(b));
            }
        }
    }
}

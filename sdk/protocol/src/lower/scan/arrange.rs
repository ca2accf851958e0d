//! In which order the factors of many masks are multiplied.
//!
//! The mask of a group is a product of the predicate's masks and of one mask for each digit of each
//! grouped dimension. Partial products are shared between groups: one over the predicate alone is
//! computed once, one over a dimension of five codes five times. Which order needs the fewest
//! products within a depth is found by trying all.

/// A factor that takes several values over all groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Family {
    /// Depth of each mask.
    pub(super) depth: u32,
    /// Number of different masks.
    pub(super) size: u64,
}

/// An order of multiplication, and the least depth that any order has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) tree: Tree,
    pub(super) shallowest: u32,
}

/// Which product is multiplied with which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    /// A factor by its position.
    Leaf(usize),
    /// The product of two trees.
    Product(Box<Tree>, Box<Tree>),
}

/// The most factors that are arranged; each one more takes three times as long.
pub(super) const MAX_FAMILIES: usize = 10;

#[derive(Debug, Clone, Copy)]
struct Best {
    cost: u64,
    /// The set of families on one side of the last product.
    split: usize,
}

/// The order with the fewest products among those at most `slack` deeper than the shallowest.
///
/// `families` has 1 to [`MAX_FAMILIES`] members.
pub(super) fn arrange(families: &[Family], slack: u32) -> Order {
    let deepest = families.iter().map(|family| family.depth).max().unwrap_or(0);
    let levels = (deepest + families.len().next_power_of_two().ilog2() + slack + 1) as usize;
    let all = (1usize << families.len()) - 1;
    let mut table: Vec<Vec<Option<Best>>> = vec![vec![None; levels]; all + 1];
    for set in 1..=all {
        let lowest = set & set.wrapping_neg();
        let size = members(set).map(|i| families[i].size).fold(1, u64::saturating_mul);
        for level in 0..levels {
            table[set][level] = if set == lowest {
                let fits = families[set.trailing_zeros() as usize].depth as usize <= level;
                fits.then_some(Best { cost: 0, split: 0 })
            } else if level == 0 {
                None
            } else {
                best_split(&table, set, lowest, level - 1, size)
            };
        }
    }
    let shallowest = table[all].iter().position(Option::is_some).unwrap_or(levels - 1);
    let allowed = shallowest..=(shallowest + slack as usize).min(levels - 1);
    let level = allowed
        .min_by_key(|level| (table[all][*level].map_or(u64::MAX, |best| best.cost), *level))
        .unwrap_or(shallowest);
    Order { tree: tree(&table, all, level), shallowest: u32::try_from(shallowest).unwrap_or(u32::MAX) }
}

fn best_split(
    table: &[Vec<Option<Best>>],
    set: usize,
    lowest: usize,
    below: usize,
    size: u64,
) -> Option<Best> {
    let rest = set ^ lowest;
    let mut best: Option<Best> = None;
    // Every subset of the rest but the rest itself, joined by the lowest member.
    let mut part = rest;
    while part != 0 {
        part = (part - 1) & rest;
        let split = part | lowest;
        if let (Some(one), Some(other)) = (table[split][below], table[set ^ split][below]) {
            let cost = one.cost.saturating_add(other.cost).saturating_add(size);
            if best.is_none_or(|best| cost < best.cost) {
                best = Some(Best { cost, split });
            }
        }
    }
    best
}

fn tree(table: &[Vec<Option<Best>>], set: usize, level: usize) -> Tree {
    match table[set][level] {
        Some(Best { split, .. }) if split != 0 => Tree::Product(
            Box::new(tree(table, split, level - 1)),
            Box::new(tree(table, set ^ split, level - 1)),
        ),
        _ => Tree::Leaf(set.trailing_zeros() as usize),
    }
}

fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |member| set >> member & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(tree: &Tree, families: &[Family]) -> u32 {
        match tree {
            Tree::Leaf(position) => families[*position].depth,
            Tree::Product(a, b) => depth(a, families).max(depth(b, families)) + 1,
        }
    }

    #[test]
    fn the_predicate_is_multiplied_first_where_depth_allows() {
        let family = |depth, size| Family { depth, size };
        let families = [family(1, 1), family(0, 10), family(0, 20)];
        let cheap = arrange(&families, 1).tree;
        assert_eq!(depth(&cheap, &families), 3);
        let leaf = |position| Box::new(Tree::Leaf(position));
        let prefix = Tree::Product(leaf(0), leaf(1));
        assert_eq!(cheap, Tree::Product(Box::new(prefix), leaf(2)));
        assert_eq!(arrange(&families, 0).shallowest, 2);
    }

    #[test]
    fn without_slack_the_tree_is_balanced() {
        for count in 1..=MAX_FAMILIES {
            let families = vec![Family { depth: 0, size: 3 }; count];
            let order = arrange(&families, 0);
            assert_eq!(order.shallowest, count.next_power_of_two().ilog2());
            assert_eq!(depth(&order.tree, &families), order.shallowest);
        }
    }
}

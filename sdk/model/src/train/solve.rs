//! Symmetric systems of normal equations: small, dense, and singular when inputs depend on each other.

/// A square matrix by rows.
pub(super) type Matrix = Vec<Vec<f64>>;

/// What is left of a diagonal element, relative to itself, when a column depends on those before.
const DEPENDENT: f64 = 1e-10;

/// The inverse of a symmetric positive matrix, of those rows and columns that do not depend on others;
/// the rest of it is 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inverse {
    /// By rows.
    pub(super) matrix: Matrix,
    /// Columns that depend on others, ascending; or that seem to, where elements are withheld or noised.
    pub(super) dependent: Vec<usize>,
}

/// Inverts by Gauss-Jordan steps, the largest remaining diagonal element first.
pub(super) fn invert(matrix: &Matrix) -> Inverse {
    let n = matrix.len();
    // With ones on the diagonal, what remains of an element says how far it depends on the others.
    let size: Vec<f64> =
        (0..n).map(|i| if matrix[i][i] > 0.0 { matrix[i][i].sqrt() } else { f64::INFINITY }).collect();
    let mut work: Matrix =
        (0..n).map(|i| (0..n).map(|j| matrix[i][j] / (size[i] * size[j])).collect()).collect();
    let mut open: Vec<usize> = (0..n).collect();
    while let Some(position) =
        (0..open.len()).max_by(|a, b| work[open[*a]][open[*a]].total_cmp(&work[open[*b]][open[*b]]))
    {
        let pivot = open[position];
        if work[pivot][pivot].is_nan() || work[pivot][pivot] < DEPENDENT {
            break;
        }
        open.swap_remove(position);
        step(&mut work, pivot);
    }
    open.sort_unstable();
    for i in 0..n {
        for j in 0..n {
            let zero = open.binary_search(&i).is_ok() || open.binary_search(&j).is_ok();
            work[i][j] = if zero { 0.0 } else { work[i][j] / (size[i] * size[j]) };
        }
    }
    Inverse { matrix: work, dependent: open }
}

fn step(work: &mut Matrix, pivot: usize) {
    let factor = 1.0 / work[pivot][pivot];
    let mut row = std::mem::take(&mut work[pivot]);
    row.iter_mut().for_each(|value| *value *= factor);
    row[pivot] = factor;
    for other in work.iter_mut().filter(|other| !other.is_empty()) {
        let scale = std::mem::replace(&mut other[pivot], 0.0);
        for (value, of_pivot) in other.iter_mut().zip(&row) {
            *value -= scale * of_pivot;
        }
    }
    work[pivot] = row;
}

/// Matrix times vector.
pub(super) fn times(matrix: &Matrix, vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, vector)).collect()
}

/// The product of two vectors.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The square roots of the diagonal of `left * middle * left`, of symmetric matrices: standard errors.
pub(super) fn sandwich(left: &Matrix, middle: &Matrix) -> Vec<f64> {
    left.iter().map(|row| dot(row, &times(middle, row)).max(0.0).sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_undoes_and_leaves_out_what_depends() {
        let matrix = vec![vec![4.0, 2.0, 6.0], vec![2.0, 3.0, 5.0], vec![6.0, 5.0, 11.0]];
        // The third is the sum of the other two.
        let inverse = invert(&matrix);
        assert_eq!(inverse.dependent.len(), 1);
        let kept: Vec<usize> = (0..3).filter(|i| !inverse.dependent.contains(i)).collect();
        for i in &kept {
            for j in &kept {
                let product: f64 = kept.iter().map(|k| matrix[*i][*k] * inverse.matrix[*k][*j]).sum();
                assert!((product - f64::from(i == j)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_column_of_zeros_depends() {
        assert_eq!(invert(&vec![vec![0.0, 0.0], vec![0.0, 2.0]]).dependent, [0]);
        assert_eq!(invert(&vec![vec![f64::NAN]]).dependent, [0]);
    }
}

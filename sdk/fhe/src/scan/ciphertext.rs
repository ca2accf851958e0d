//! Ciphertexts of a running program, and what is done with them.

use rayon::prelude::*;

use crate::{
    ring::{Basis, Rows},
    scan::tables::Tables,
};

/// The value of a register, in the domain of the transform.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Ciphertext {
    /// A slice or a sum of slices, in all moduli.
    Early([Rows; 2]),
    /// What comes after a product, in the working basis.
    Late([Rows; 2]),
    /// A product or a sum of products, in the extended basis, not yet scaled down.
    Products([Rows; 3]),
    /// What is left of an output at the finish level: coefficient 0 of the first polynomial, and the
    /// second, as coefficients.
    Finished([Rows; 2]),
}

impl Ciphertext {
    pub(crate) fn polynomials(&self) -> &[Rows] {
        match self {
            Self::Early(polynomials) | Self::Late(polynomials) | Self::Finished(polynomials) => polynomials,
            Self::Products(polynomials) => polynomials,
        }
    }

    fn polynomials_mut(&mut self) -> &mut [Rows] {
        match self {
            Self::Early(polynomials) | Self::Late(polynomials) | Self::Finished(polynomials) => polynomials,
            Self::Products(polynomials) => polynomials,
        }
    }

    /// The basis it is in.
    pub(crate) fn basis<'a>(&self, tables: &'a Tables) -> &'a Basis {
        match self {
            Self::Early(_) => &tables.full,
            Self::Late(_) => &tables.working,
            Self::Products(_) => &tables.extended,
            Self::Finished(_) => &tables.end,
        }
    }

    /// Whether they can be added as they are.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let same = std::mem::discriminant(self) == std::mem::discriminant(other);
        same && self.polynomials().iter().zip(other.polynomials()).all(|(a, b)| a.len() == b.len())
    }

    /// Adds a multiple of one that [is like](Self::is_like) it.
    pub(crate) fn add_multiple(&mut self, other: &Self, coefficient: i64, tables: &Tables) {
        let mut basis = self.basis(tables).clone();
        if let (Self::Finished([body, _]), Self::Finished([more, _])) = (&mut *self, other) {
            // A single coefficient; the rest follows as it does for all.
            basis.degree = 1;
            basis.add_multiple(body, more, coefficient);
            basis.degree = tables.end.degree;
        }
        let skipped = usize::from(matches!(self, Self::Finished(_)));
        let pairs = self.polynomials_mut().iter_mut().zip(other.polynomials()).skip(skipped);
        pairs.for_each(|(sum, more)| basis.add_multiple(sum, more, coefficient));
    }

    /// A multiple.
    fn times(&self, coefficient: i64, tables: &Tables) -> Self {
        if coefficient == 1 {
            return self.clone();
        }
        let zero = |rows: &Rows| vec![0; rows.len()];
        let mut multiple = match self {
            Self::Early([a, b]) => Self::Early([zero(a), zero(b)]),
            Self::Late([a, b]) => Self::Late([zero(a), zero(b)]),
            Self::Products([a, b, c]) => Self::Products([zero(a), zero(b), zero(c)]),
            Self::Finished([a, b]) => Self::Finished([zero(a), zero(b)]),
        };
        multiple.add_multiple(self, coefficient, tables);
        multiple
    }

    /// A slice or sum of slices as it is in the working basis.
    pub(crate) fn lowered(self, tables: &Tables) -> Self {
        match self {
            Self::Early(polynomials) if tables.is_full() => Self::Late(polynomials),
            Self::Early(polynomials) => Self::Late(both(&polynomials, |rows| tables.lower.transformed(rows))),
            other => other,
        }
    }
}

impl std::fmt::Debug for Ciphertext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ciphertext({} polynomials)", self.polynomials().len())
    }
}

/// A linear combination being added up: what was multiplied and what was not apart, so that the latter
/// is brought to the working basis once.
#[derive(Default)]
pub(crate) struct Combination {
    early: Option<Ciphertext>,
    other: Option<Ciphertext>,
}

impl Combination {
    pub(crate) fn add(&mut self, term: &Ciphertext, coefficient: i64, tables: &Tables) {
        let sum = if matches!(term, Ciphertext::Early(_)) { &mut self.early } else { &mut self.other };
        match sum {
            Some(sum) => sum.add_multiple(term, coefficient, tables),
            None => *sum = Some(term.times(coefficient, tables)),
        }
    }

    /// The sum, and whether anything had to be brought to the working basis for it; nothing if
    /// nothing was added.
    pub(crate) fn finish(self, tables: &Tables) -> Option<(Ciphertext, bool)> {
        match (self.early, self.other) {
            (Some(early), Some(mut other)) => {
                other.add_multiple(&early.lowered(tables), 1, tables);
                Some((other, !tables.is_full()))
            }
            (early, other) => Some((early.or(other)?, false)),
        }
    }
}

/// A ciphertext in the extended basis.
pub(crate) enum Extended {
    /// All rows.
    Whole([Rows; 2]),
    /// Those that the ciphertext itself lacks.
    Rest([Rows; 2]),
}

impl Extended {
    /// Nothing for a product that is not relinearised.
    pub(crate) fn of(ciphertext: &Ciphertext, tables: &Tables) -> Option<Self> {
        let early = |rows: &Rows| tables.extend_early.transformed(rows);
        match ciphertext {
            Ciphertext::Early(polynomials) if tables.is_full() => Some(Self::Rest(both(polynomials, early))),
            Ciphertext::Early(polynomials) => Some(Self::Whole(both(polynomials, early))),
            Ciphertext::Late(polynomials) => {
                Some(Self::Rest(both(polynomials, |rows| tables.extend.transformed(rows))))
            }
            Ciphertext::Products(_) | Ciphertext::Finished(_) => None,
        }
    }

    pub(crate) const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

/// An operand of a product: its extended form, and itself if that is not the whole.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) extended: &'a Extended,
    pub(crate) itself: Option<&'a Ciphertext>,
}

impl Operand<'_> {
    /// Row `index` of both polynomials.
    fn rows(&self, index: usize, tables: &Tables) -> [&[u64]; 2] {
        let own = tables.working.len();
        let basis = &tables.extended;
        match (self.extended, self.itself) {
            (Extended::Whole([a, b]), _) => [basis.row(a, index), basis.row(b, index)],
            (Extended::Rest(_), Some(itself)) if index < own => {
                let polynomials = itself.polynomials();
                [basis.row(&polynomials[0], index), basis.row(&polynomials[1], index)]
            }
            (Extended::Rest([a, b]), _) => {
                [basis.row(a, index.saturating_sub(own)), basis.row(b, index.saturating_sub(own))]
            }
        }
    }
}

/// The product of two ciphertexts, in the extended basis.
pub(crate) fn product(a: Operand<'_>, b: Operand<'_>, tables: &Tables) -> Ciphertext {
    let basis = &tables.extended;
    let mut product = [basis.zero(), basis.zero(), basis.zero()];
    let [p0, p1, p2] = &mut product;
    let degree = basis.degree;
    p0.par_chunks_exact_mut(degree)
        .zip(p1.par_chunks_exact_mut(degree))
        .zip(p2.par_chunks_exact_mut(degree))
        .enumerate()
        .for_each(|(index, ((p0, p1), p2))| {
            let prime = basis.primes[index];
            let ([a0, a1], [b0, b1]) = (a.rows(index, tables), b.rows(index, tables));
            let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
            let out = p0.iter_mut().zip(p1).zip(p2);
            for (((p0, p1), p2), ((a0, a1), (b0, b1))) in out.zip(a0.iter().zip(a1).zip(b0.iter().zip(b1))) {
                *p0 = prime.reduce_products(wide(*a0, *b0));
                *p1 = prime.reduce_products(wide(*a0, *b1) + wide(*a1, *b0));
                *p2 = prime.reduce_products(wide(*a1, *b1));
            }
        });
    Ciphertext::Products(product)
}

/// Does the same with both polynomials, in parallel.
pub(crate) fn both(polynomials: &[Rows; 2], run: impl Fn(&Rows) -> Rows + Sync) -> [Rows; 2] {
    let (first, second) = rayon::join(|| run(&polynomials[0]), || run(&polynomials[1]));
    [first, second]
}

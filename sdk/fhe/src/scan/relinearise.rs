//! The relinearisation key, and what is done with products by it.

use rayon::prelude::*;

use crate::{
    outputs::SlotSum,
    ring::{Basis, Rows},
    scan::{ciphertext::Ciphertext, tables::Tables},
};

/// For every modulus q_i an encryption of `g_i s^2`, where g_i is 1 modulo q_i and 0 modulo the others.
///
/// The first rows of the first encryptions are a key for the first moduli alone: g_i still is 1 modulo
/// q_i and 0 modulo the others of them.
pub(crate) struct RelinearisationKey {
    /// In all moduli, in the domain of the transform.
    pub(crate) encryptions: Vec<[Rows; 2]>,
}

impl RelinearisationKey {
    /// An encryption of `c s^2` under s, in the domain of the transform, from the coefficients of c.
    pub(crate) fn switch(&self, coefficients: &[u64], basis: &Basis) -> [Rows; 2] {
        let mut result = [basis.zero(), basis.zero()];
        let [c0, c1] = &mut result;
        let rows = c0.par_chunks_exact_mut(basis.degree).zip(c1.par_chunks_exact_mut(basis.degree));
        rows.enumerate().for_each(|(index, (c0, c1))| {
            let prime = basis.primes[index];
            let mut digit = vec![0; basis.degree];
            for (i, [k0, k1]) in self.encryptions.iter().enumerate().take(basis.len()) {
                let row = basis.row(coefficients, i);
                digit.iter_mut().zip(row).for_each(|(digit, c)| *digit = prime.reduce(u128::from(*c)));
                prime.forward(&mut digit);
                prime.accumulate(c0, &digit, basis.row(k0, index));
                prime.accumulate(c1, &digit, basis.row(k1, index));
            }
        });
        result
    }

    /// Scales products down and relinearises them, in the working basis.
    pub(crate) fn relinearise(&self, products: &[Rows; 3], tables: &Tables) -> Ciphertext {
        let [p0, p1, p2] = products;
        let scale = |rows: &Rows| tables.scale.transformed(rows);
        let switched = || self.switch(&tables.scale.to_coefficients(p2), &tables.working);
        let ((mut c0, mut c1), [k0, k1]) = rayon::join(|| rayon::join(|| scale(p0), || scale(p1)), switched);
        tables.working.add(&mut c0, &k0);
        tables.working.add(&mut c1, &k1);
        Ciphertext::Late([c0, c1])
    }

    /// Coefficient 0 at the finish level. Of the first polynomial only that coefficient is computed.
    pub(crate) fn finish(&self, ciphertext: &Ciphertext, tables: &Tables) -> SlotSum {
        match ciphertext {
            Ciphertext::Early([c0, c1]) => extract(&tables.full, c0, c1, 0, tables),
            Ciphertext::Late([c0, c1]) => extract(&tables.working, c0, c1, 1, tables),
            Ciphertext::Products(products) => self.finish_products(products, tables),
            Ciphertext::Finished([body, mask]) => SlotSum { body: body.clone(), mask: mask.clone() },
        }
    }

    /// Products are scaled down to a few moduli at once, which makes everything after that cheap.
    fn finish_products(&self, [p0, p1, p2]: &[Rows; 3], tables: &Tables) -> SlotSum {
        let (scale, late) = (&tables.scale_late, &tables.late);
        let switched = || {
            let [k0, k1] = self.switch(&scale.to_coefficients(p2), late);
            (late.constant(&k0), late.coefficients(&k1))
        };
        let (mut c1, (k0, k1)) = rayon::join(|| scale.to_coefficients(p1), switched);
        late.add(&mut c1, &k1);
        let c0 = scale.one(&tables.extended.constant(p0));
        let c0: Vec<u64> =
            late.primes.iter().zip(c0.iter().zip(k0)).map(|(prime, (c, k))| prime.add(*c, k)).collect();
        let finish = &tables.finish[2];
        SlotSum { body: finish.one(&c0), mask: finish.convert(&c1, |_, _| {}) }
    }
}

fn extract(basis: &Basis, c0: &[u64], c1: &[u64], finish: usize, tables: &Tables) -> SlotSum {
    let finish = &tables.finish[finish];
    SlotSum { body: finish.one(&basis.constant(c0)), mask: finish.to_coefficients(c1) }
}

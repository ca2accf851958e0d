//! Where parallel steps run.

use rayon::prelude::*;

/// Runs on a thread of the pool, so that the many short parallel steps within do not each have to wake it.
pub(crate) fn in_pool<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    rayon::join(run, || ()).0
}

/// What comes of each, in order, in parallel; a single one here, because waking the pool takes longer than
/// a ciphertext.
pub(crate) fn each<I: Send, T: Send, E: Send>(
    of: Vec<I>,
    run: impl Fn(I) -> Result<T, E> + Sync + Send,
) -> Result<Vec<T>, E> {
    if of.len() == 1 {
        return of.into_iter().map(run).collect();
    }
    in_pool(|| of.into_par_iter().map(run).collect())
}

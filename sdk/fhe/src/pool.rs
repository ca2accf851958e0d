//! Where parallel steps run.

/// Runs on a thread of the pool, so that the many short parallel steps within do not each have to wake it.
pub(crate) fn in_pool<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    rayon::join(run, || ()).0
}

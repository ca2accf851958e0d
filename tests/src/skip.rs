//! What a test does when the machine lacks something: it fails in CI and says so elsewhere.

/// Says that a test is skipped.
///
/// # Panics
/// In CI, where everything must be there.
pub fn skip(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI must have: {what}");
    eprintln!("skipped: {what}");
}

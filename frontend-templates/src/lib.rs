//! The portal's pages: askama templates, the typed views that fill them, and the static assets.
//!
//! A view is plain data: strings that are already written for people, and lists of them. This crate
//! knows no HTTP, no database and none of our other crates; it cannot leak what it is not given.
//! Everything a view holds is escaped by askama.

pub mod account;
pub mod assets;
pub mod catalogue;
pub mod forms;
pub mod frame;
pub mod listing;
pub mod message;
pub mod models;
#[cfg(test)]
mod tests;

pub use askama::Template;

/// A page that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("a page could not be rendered: {0}")]
pub struct RenderError(#[from] askama::Error);

/// Renders a page as HTML.
///
/// # Errors
/// When askama fails, which only a failing `Display` of a view could cause.
pub fn render<T: Template>(page: &T) -> Result<String, RenderError> {
    Ok(page.render()?)
}

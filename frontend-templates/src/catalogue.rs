//! The catalogue: every listing that can be queried.

use askama::Template;

use crate::frame::Frame;

/// The page `/`.
#[derive(Debug, Clone, Template)]
#[template(path = "catalogue.html")]
pub struct CataloguePage {
    /// What surrounds it.
    pub frame: Frame,
    /// Newest first.
    pub listings: Vec<Card>,
}

/// One listing in the catalogue.
#[derive(Debug, Clone)]
pub struct Card {
    /// Where its page is.
    pub href: String,
    /// As the owner wrote it.
    pub title: String,
    /// As the owner wrote it.
    pub description: String,
    /// Such as `1,000 rows`.
    pub rows: String,
    /// Such as `20 columns`.
    pub columns: String,
    /// Such as `from EUR 0.50 a query`.
    pub price: String,
    /// Such as `exact answers` or `noisy answers`.
    pub privacy: String,
}

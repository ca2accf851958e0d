//! Models for sale: those that predict, and the page of one.

use askama::Template;

use crate::{
    frame::Frame,
    listing::{ColumnView, Fact, Recipe},
};

/// The page `/models`.
#[derive(Debug, Clone, Template)]
#[template(path = "models.html")]
pub struct ModelsPage {
    /// What surrounds it.
    pub frame: Frame,
    /// Newest first.
    pub models: Vec<ModelCard>,
}

/// One model in the catalogue.
#[derive(Debug, Clone)]
pub struct ModelCard {
    /// Where its page is.
    pub href: String,
    /// As the vendor wrote it.
    pub title: String,
    /// As the vendor wrote it.
    pub description: String,
    /// Such as `trees`.
    pub kind: String,
    /// Such as `20 columns`.
    pub columns: String,
    /// Such as `2 classes` or `a number`.
    pub predicts: String,
    /// Such as `EUR 0.02 a prediction`.
    pub price: String,
}

/// The page `/models/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "model.html")]
pub struct ModelPage {
    /// What surrounds it.
    pub frame: Frame,
    /// As the vendor wrote it.
    pub title: String,
    /// As the vendor wrote it.
    pub description: String,
    /// Whether it predicts no more.
    pub withdrawn: bool,
    /// Short facts: name and value.
    pub facts: Vec<Fact>,
    /// What it costs and how much a client may ask.
    pub price: Vec<Fact>,
    /// What it predicts, in sentences.
    pub outputs: Vec<String>,
    /// The ways of sending rows.
    pub forms: Vec<FormView>,
    /// The columns of a row.
    pub columns: Vec<ColumnView>,
    /// How to predict.
    pub recipes: Vec<Recipe>,
}

/// A way of sending rows, and what a client learns of the model from it.
#[derive(Debug, Clone)]
pub struct FormView {
    /// Such as `Many rows at once`.
    pub name: String,
    /// What a request takes.
    pub facts: Vec<Fact>,
    /// What a client learns.
    pub reveals: String,
}

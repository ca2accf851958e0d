//! The page of one listing: what is in it, what it costs, what its policy is and how to query it.

use askama::Template;

use crate::frame::Frame;

/// The page `/listings/{id}`.
#[derive(Debug, Clone, Template)]
#[template(path = "listing.html")]
pub struct ListingPage {
    /// What surrounds it.
    pub frame: Frame,
    /// As the owner wrote it.
    pub title: String,
    /// As the owner wrote it.
    pub description: String,
    /// Whether no new query is accepted.
    pub withdrawn: bool,
    /// Short facts: name and value.
    pub facts: Vec<Fact>,
    /// Parts of the price: what for, how much.
    pub price: Vec<Fact>,
    /// The policy in sentences.
    pub policy: Vec<String>,
    /// Table name, as written after FROM.
    pub table: String,
    /// The columns that can be queried.
    pub columns: Vec<ColumnView>,
    /// How to query it.
    pub recipes: Vec<Recipe>,
}

/// A name and a value.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: String,
    /// Whether the value is a code to be compared or copied.
    pub code: bool,
}

/// A column of the table.
#[derive(Debug, Clone)]
pub struct ColumnView {
    /// As written in SQL.
    pub name: String,
    /// As the owner wrote it.
    pub description: String,
    /// Its domain in words, when it can be filtered and grouped by.
    pub dimension: Option<String>,
    /// The first values of the domain.
    pub values: Vec<String>,
    /// How many values are not shown.
    pub more: usize,
    /// Its bounds in words, when it can be summed and averaged.
    pub measure: Option<String>,
    /// Whether it may be null.
    pub nullable: bool,
    /// What a question can do with it, each in a word or two.
    pub uses: Vec<String>,
}

/// One way to query the listing.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// What it is.
    pub title: String,
    /// A sentence about it.
    pub note: String,
    /// What to copy.
    pub text: String,
}

impl Fact {
    /// A fact for people to read.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into(), code: false }
    }

    /// A fact to compare or copy.
    pub fn code(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into(), code: true }
    }
}

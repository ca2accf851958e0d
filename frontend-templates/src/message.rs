//! A page with one message: not found, not allowed, or an error.

use askama::Template;

use crate::frame::Frame;

/// A message.
#[derive(Debug, Clone, Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    /// What surrounds it.
    pub frame: Frame,
    /// In a few words.
    pub title: String,
    /// What it means and what can be done.
    pub detail: String,
    /// The request's id, to be quoted to the operator.
    pub request_id: Option<String>,
}

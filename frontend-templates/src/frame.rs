//! What surrounds every page: the header with its navigation, and the footer.

use crate::assets;

/// The frame of a page.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Who is signed in.
    pub visitor: Option<Visitor>,
    /// Version of the server, for the footer.
    pub version: String,
    /// Fingerprint of the platform's key, for the footer.
    pub fingerprint: String,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The name they signed in with.
    pub email: String,
    /// Token of the sign-out form.
    pub form_token: String,
}

impl Frame {
    /// Address of the style sheet; it changes with its content.
    pub fn style(&self) -> String {
        assets::STYLE.path()
    }

    /// Address of the icon; it changes with its content.
    pub fn icon(&self) -> String {
        assets::ICON.path()
    }
}

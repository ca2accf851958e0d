//! Who is calling: passwords, sessions, API keys, and the extractors that demand them.

pub mod api_key;
pub mod extract;
pub mod form;
pub mod password;
pub mod session;

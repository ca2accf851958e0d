//! The page of the signed-in account.

use askama::Template;

use crate::{frame::Frame, listing::Fact};

/// The page `/account`.
#[derive(Debug, Clone, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The name they signed in with.
    pub email: String,
    /// Balances: what and how much.
    pub balance: Vec<Fact>,
    /// Id, key, role.
    pub identity: Vec<Fact>,
    /// Newest first.
    pub jobs: Vec<JobView>,
    /// Newest first.
    pub entries: Vec<EntryView>,
}

/// A job of the account.
#[derive(Debug, Clone)]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// Where the listing's page is.
    pub listing_href: String,
    /// Such as `released`.
    pub state: String,
    /// Price with its currency.
    pub price: String,
    /// When it was accepted.
    pub created: String,
}

/// A ledger entry of the account.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// When.
    pub at: String,
    /// Which ledger account.
    pub ledger: String,
    /// Amount with its currency.
    pub amount: String,
    /// What for.
    pub memo: String,
}

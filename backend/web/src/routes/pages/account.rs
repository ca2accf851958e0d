//! `GET /account`: balance, recent queries, statement.

use actix_web::{HttpResponse, http::StatusCode, web};
use sordino_domain::{accounts::Account, jobs::Job};
use sordino_frontend_templates::{
    account::{AccountPage, EntryView, JobView},
    listing::Fact,
};
use sordino_protocol::api::{Balance, Role, StatementEntry};

use super::{Visit, page, sign_in::redirect, words};
use crate::{problem::WebResult, state::AppState};

/// The most rows of each list.
const SHOWN: u64 = 20;

/// The handler. A stranger is sent to sign in.
///
/// # Errors
/// None of its own.
pub async fn account(state: web::Data<AppState>, visit: Visit) -> WebResult<HttpResponse> {
    let Some(account) = &visit.account else { return Ok(redirect("/account")) };
    let storage = &state.storage;
    let balance = storage.ledger().balance(account.id, state.settings.currency).await?;
    let jobs = storage.jobs().list(account.id, SHOWN).await?;
    let entries = storage.ledger().statement(account.id, SHOWN).await?;
    let view = AccountPage {
        frame: visit.frame.clone(),
        email: account.email.as_str().to_owned(),
        balance: money(&balance),
        identity: identity(account),
        jobs: jobs.iter().map(job).collect(),
        entries: entries.iter().map(entry).collect(),
    };
    page(&state, &visit, StatusCode::OK, &view)
}

fn money(balance: &Balance) -> Vec<Fact> {
    let amount = |amount| words::money(amount, balance.currency);
    vec![
        Fact::new("Free to spend", amount(balance.prepaid)),
        Fact::new("Held for running queries", amount(balance.held)),
        Fact::new("Earned", amount(balance.payable)),
    ]
}

fn identity(account: &Account) -> Vec<Fact> {
    let role = match account.role {
        Role::Member => "member",
        Role::Operator => "operator",
    };
    let key = match &account.key {
        Some(key) => Fact::code("Signing key", format!("{} ({key})", key.fingerprint())),
        None => Fact::new("Signing key", "not registered yet: run `sordino keys init`"),
    };
    vec![Fact::code("Account", account.id.to_string()), key, Fact::new("Role", role)]
}

fn job(job: &Job) -> JobView {
    JobView {
        id: job.id.to_string(),
        listing_href: format!("/listings/{}", job.listing),
        state: words::state(job.state()).to_owned(),
        price: words::money(job.price, job.currency),
        created: words::time(job.created_at),
    }
}

fn entry(entry: &StatementEntry) -> EntryView {
    EntryView {
        at: words::time(entry.at),
        ledger: words::ledger(entry.ledger).to_owned(),
        amount: words::money(entry.amount, entry.currency),
        memo: entry.memo.clone(),
    }
}

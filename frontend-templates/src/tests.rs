//! Every page renders from sample data, shows what it should, and escapes what is hostile.

use crate::{
    account::{AccountPage, EntryView, JobView},
    assets,
    catalogue::{Card, CataloguePage},
    forms::{CredentialsForm, SignInPage, SignUpPage},
    frame::{Frame, Visitor},
    listing::{ColumnView, Fact, ListingPage, Recipe},
    message::MessagePage,
    models::{FormView, ModelCard, ModelPage, ModelsPage},
    render,
};

const HOSTILE: &str = "<script>alert(1)</script>\"' onload=x &amp;";

fn frame() -> Frame {
    Frame {
        visitor: Some(Visitor { email: HOSTILE.to_owned(), form_token: HOSTILE.to_owned() }),
        version: "0.1.0".to_owned(),
        fingerprint: "0a1b-2c3d-4e5f-6071".to_owned(),
    }
}

fn text() -> String {
    HOSTILE.to_owned()
}

/// No markup of ours is inline script, nothing is fetched from elsewhere, nothing hostile survives.
fn check(html: &str) {
    assert!(html.starts_with("<!doctype html>"), "{html}");
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("\"' onload"), "{html}");
    for attribute in ["src=\"", "href=\"", "action=\""] {
        for part in html.split(attribute).skip(1) {
            assert!(part.starts_with('/') || part.starts_with("#main"), "{attribute}{part:.60}");
        }
    }
    assert!(!html.contains("style=\""), "inline styles are refused by the content security policy");
    assert!(html.contains("0a1b-2c3d-4e5f-6071"));
}

#[test]
fn the_catalogue_renders_with_and_without_listings() {
    let card = Card {
        href: "/listings/lst_1".to_owned(),
        title: text(),
        description: text(),
        rows: "1,000 rows".to_owned(),
        columns: "20 columns".to_owned(),
        price: "from EUR 0.50 a query".to_owned(),
        privacy: "exact answers".to_owned(),
    };
    let full = render(&CataloguePage { frame: frame(), listings: vec![card] }).expect("rendered");
    check(&full);
    assert!(full.contains("1,000 rows") && full.contains("/listings/lst_1") && full.contains("EUR 0.50"));
    assert!(full.contains("&#60;script&#62;"), "{full}");
    let empty = Frame { visitor: None, ..frame() };
    let empty = render(&CataloguePage { frame: empty, listings: vec![] }).expect("rendered");
    check(&empty);
    assert!(empty.contains("No listings yet") && empty.contains("/sign-in"));
}

#[test]
fn a_listing_shows_columns_price_policy_and_recipes() {
    let column = ColumnView {
        name: "housing".to_owned(),
        description: text(),
        dimension: Some("3 categories".to_owned()),
        values: vec!["own".to_owned(), text()],
        more: 1,
        measure: None,
        nullable: true,
        uses: vec!["filter".to_owned(), text()],
    };
    let amount = ColumnView {
        name: "credit_amount".to_owned(),
        measure: Some(text()),
        dimension: None,
        ..column.clone()
    };
    let mut page = ListingPage {
        frame: frame(),
        title: text(),
        description: text(),
        withdrawn: true,
        facts: vec![Fact::new("Rows", "1,000"), Fact::code("Version", text())],
        price: vec![Fact::new("Each query", "EUR 0.50")],
        policy: vec!["Groups of fewer than 10 rows are left out.".to_owned(), text()],
        table: "german_credit".to_owned(),
        columns: vec![column, amount],
        recipes: vec![Recipe {
            title: "Command line".to_owned(),
            note: text(),
            text: "sordino query lst_1 \"SELECT COUNT(*) FROM german_credit\"".to_owned(),
        }],
    };
    let html = render(&page).expect("rendered");
    check(&html);
    for expected in [
        "housing",
        "3 categories",
        "and 1 more",
        "may be null",
        ">filter<",
        "EUR 0.50",
        "fewer than 10",
        "is withdrawn",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
    assert!(html.contains("sordino query lst_1 &#34;SELECT COUNT(*) FROM german_credit&#34;"));
    page.withdrawn = false;
    assert!(!render(&page).expect("rendered").contains("is withdrawn"));
}

#[test]
fn the_models_render_with_and_without_any() {
    let card = ModelCard {
        href: "/models/mdl_1".to_owned(),
        title: text(),
        description: text(),
        kind: "trees".to_owned(),
        columns: "30 columns".to_owned(),
        predicts: "2 classes".to_owned(),
        price: "EUR 0.02 a prediction".to_owned(),
    };
    let full = render(&ModelsPage { frame: frame(), models: vec![card] }).expect("rendered");
    check(&full);
    for expected in ["/models/mdl_1", "30 columns", "2 classes", "EUR 0.02 a prediction", "&#60;script&#62;"]
    {
        assert!(full.contains(expected), "{expected}");
    }
    let empty = render(&ModelsPage { frame: frame(), models: vec![] }).expect("rendered");
    check(&empty);
    assert!(empty.contains("No models yet") && empty.contains("sordino model publish"));
}

#[test]
fn a_model_shows_what_it_reads_predicts_costs_and_reveals() {
    let column = ColumnView {
        name: "housing".to_owned(),
        description: text(),
        dimension: Some("3 categories".to_owned()),
        values: vec!["own".to_owned(), text()],
        more: 1,
        measure: None,
        nullable: true,
        uses: vec![],
    };
    let number = ColumnView { dimension: None, measure: Some("0 to 100".to_owned()), ..column.clone() };
    let mut page = ModelPage {
        frame: frame(),
        title: text(),
        description: text(),
        withdrawn: true,
        facts: vec![Fact::new("Kind", "trees"), Fact::code("Digest", text())],
        price: vec![Fact::new("Each prediction", "EUR 0.02")],
        outputs: vec!["One of 2 classes for each row: bad, good.".to_owned(), text()],
        forms: vec![FormView {
            name: "Many rows at once".to_owned(),
            facts: vec![Fact::new("Keys, registered once", "1.1 MB")],
            reveals: text(),
        }],
        columns: vec![column, number],
        recipes: vec![Recipe {
            title: "Command line".to_owned(),
            note: text(),
            text: "sordino predict mdl_1 rows.csv".to_owned(),
        }],
    };
    let html = render(&page).expect("rendered");
    check(&html);
    for expected in [
        "is withdrawn",
        "EUR 0.02",
        "bad, good",
        "Many rows at once",
        "1.1 MB",
        "A client learns &#60;script",
        "3 categories",
        "and 1 more",
        "0 to 100",
        "may be null",
        "sordino predict mdl_1 rows.csv",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
    page.withdrawn = false;
    assert!(!render(&page).expect("rendered").contains("is withdrawn"));
}

#[test]
fn the_forms_show_errors_and_never_a_password() {
    let form = CredentialsForm {
        email: text(),
        error: Some("The e-mail or the password is wrong.".to_owned()),
        form_token: "token-1".to_owned(),
        next: "/account".to_owned(),
    };
    let visitor = Frame { visitor: None, ..frame() };
    let sign_in = SignInPage { frame: visitor.clone(), form: form.clone(), registration_open: true };
    let html = render(&sign_in).expect("rendered");
    check(&html);
    assert!(html.contains("password is wrong") && html.contains("token-1") && html.contains("/sign-up"));
    let closed = SignInPage { registration_open: false, ..sign_in };
    assert!(!render(&closed).expect("rendered").contains("/sign-up"));
    let html = render(&SignUpPage { frame: visitor, form }).expect("rendered");
    check(&html);
    assert!(html.contains("minlength=\"10\"") && !html.contains("type=\"password\" value"));
}

#[test]
fn the_account_shows_balance_jobs_and_statement() {
    let page = AccountPage {
        frame: frame(),
        email: text(),
        balance: vec![Fact::new("Free to spend", "EUR 10.00")],
        identity: vec![Fact::code("Account", "acc_1")],
        jobs: vec![JobView {
            id: "job_1".to_owned(),
            listing_href: "/listings/lst_1".to_owned(),
            state: "released".to_owned(),
            price: "EUR 0.58".to_owned(),
            created: "2026-01-02 03:04".to_owned(),
        }],
        entries: vec![EntryView {
            at: "2026-01-02 03:04".to_owned(),
            ledger: "prepaid".to_owned(),
            amount: "EUR -0.58".to_owned(),
            memo: text(),
        }],
    };
    let html = render(&page).expect("rendered");
    check(&html);
    for expected in ["EUR 10.00", "acc_1", "job_1", "EUR 0.58", "EUR -0.58", "Sign out"] {
        assert!(html.contains(expected), "{expected}");
    }
    let html = render(&AccountPage { jobs: vec![], entries: vec![], ..page }).expect("rendered");
    check(&html);
    assert!(html.contains("None yet"));
}

#[test]
fn a_message_carries_the_request_id() {
    let page = MessagePage {
        frame: frame(),
        title: "Not found".to_owned(),
        detail: text(),
        request_id: Some("req-1".to_owned()),
    };
    let html = render(&page).expect("rendered");
    check(&html);
    assert!(html.contains("Not found") && html.contains("req-1"));
}

#[test]
fn assets_are_found_by_their_hashed_name_and_load_nothing_from_elsewhere() {
    for asset in assets::ALL {
        assert_eq!(assets::find(&asset.file_name()).map(|found| found.bytes), Some(asset.bytes));
        let text = std::str::from_utf8(asset.bytes).expect("text").replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http") && !text.contains("@import") && !text.contains("url("));
    }
    assert!(assets::find("style.css").is_none());
    assert!(assets::find("../Cargo.toml").is_none());
}

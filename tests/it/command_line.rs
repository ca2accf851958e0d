//! The binary `sordino`, as a person at a terminal runs it: models are looked at, offered, found, used
//! and withdrawn.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use sordino_client::publish::Request as Publication;
use sordino_model::{
    audition::{self, Audition, Subject},
    import,
    limits::Limits,
    quantise::{Options, quantise},
    quantised::evaluate as evaluate_row,
};
use sordino_protocol::{layout_plan::RollupBudget, policy::Policy};
use sordino_tests::{
    app::{TestApp, block_on},
    models::{Fitted, Numbers, fitted},
    parties::{PASSPHRASE, Party, traders},
    process::binaries,
    tables,
};

/// Exit codes of `sordino`.
const FAILED: i32 = 1;
const NOT_FOUND: i32 = 3;
const REFUSED: i32 = 4;
const PAYMENT: i32 = 5;

/// Somebody with a profile, at a terminal that answers no question.
struct Person {
    home: PathBuf,
    profile: String,
}

impl Person {
    fn of(home: &Path, party: &Party) -> Self {
        Self { home: home.to_owned(), profile: party.session.profile.name().to_owned() }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binaries().join("sordino"));
        command
            .args(["--home".as_ref(), self.home.as_os_str(), "--profile".as_ref(), self.profile.as_ref()])
            .args(arguments)
            // Whoever runs the tests may have followed the README.
            .env_remove("SORDINO_SERVER")
            .env("SORDINO_PASSPHRASE", PASSPHRASE)
            .stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output()).await.expect("it ran").expect("it starts")
    }

    /// What it prints on success.
    async fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[&["--json"], arguments].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Its exit code and what it says when it fails.
    async fn failure(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments).await;
        let said = String::from_utf8(output.stderr).expect("text");
        (output.status.code().unwrap_or_else(|| panic!("{arguments:?}: {said}")), said)
    }
}

/// The files of a vendor: a model, its schema, and rows.
struct Files {
    fitted: Fitted,
    schema: PathBuf,
}

impl Files {
    fn new(folder: &Path, name: &str) -> Self {
        let fitted = fitted(folder, name, Numbers::Buckets);
        let schema = folder.join(format!("{name}.toml"));
        std::fs::write(&schema, toml::to_string(&fitted.schema).expect("TOML")).expect("written");
        Self { fitted, schema }
    }

    fn model(&self) -> &str {
        self.fitted.model.to_str().expect("text")
    }

    fn schema(&self) -> &str {
        self.schema.to_str().expect("text")
    }

    fn rows(&self) -> &str {
        self.fitted.rows.to_str().expect("text")
    }

    /// What the model in integers says of the rows in clear.
    fn classes(&self) -> Vec<String> {
        let model =
            import::any(&std::fs::read(&self.fitted.model).expect("a file"), None, &Limits::default());
        let integers = quantise(&model.expect("a model"), &self.fitted.schema, &Options::default());
        let integers = integers.expect("integers").model;
        let rows = tables::coded(&self.fitted.schema, &self.fitted.rows);
        let class = |row| evaluate_row(&integers, &rows, row).expect("a prediction").class.expect("a class");
        (0..rows.rows).map(|row| integers.classes[class(row)].clone()).collect()
    }
}

#[test]
fn models_are_checked_offered_shown_used_and_withdrawn_at_a_terminal() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (vendor, client) = traders(&app.running, home, app.url(), 1_000).await;
        let (vendor, client) = (Person::of(home, &vendor), Person::of(home, &client));
        let files = Files::new(home, "tree_german_credit");

        let checked = vendor.json(&["model", "check", files.model(), "--schema", files.schema()]).await;
        assert_eq!(
            (&checked["kind"], &checked["problems"]),
            (&json!("decision_tree"), &json!([])),
            "{checked}"
        );
        assert!(client.text(&["model", "list"]).await.is_empty());

        let offer =
            ["model", "publish", files.model(), "--schema", files.schema(), "--title", "Who pays back"];
        let options = ["--encoding", "tests", "--serving", "both", "--price-per-prediction", "0.02"];
        let offer = [&offer[..], &options[..]].concat();
        let offered = vendor.json(&[&offer[..], &["--yes"]].concat()).await;
        let model = offered["model"].as_str().expect("an id");
        assert_eq!(offered["forms"].as_array().map(Vec::len), Some(2), "{offered}");

        let listed = client.text(&["model", "list"]).await;
        assert!(
            listed.contains(model) && listed.contains("Who pays back") && listed.contains("0.02 EUR"),
            "{listed}"
        );
        let shown = client.text(&["model", "show", model]).await;
        for expected in ["bad, good", "credit_amount", "clients learn", "0.02 EUR", "4096 samples a request"]
        {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        let shown = client.json(&["model", "show", model]).await;
        assert_eq!(shown["model"], offered["digest"]);

        let predict = ["predict", model, files.rows()];
        let (code, said) = client.failure(&[&predict[..], &["--max-price", "0.39"]].concat()).await;
        assert!(code == PAYMENT && said.contains("0.40"), "{code}: {said}");
        let receipts = home.join("receipts.json");
        let receipts = receipts.to_str().expect("text");
        let agreed = [&predict[..], &["--max-price", "0.40", "--receipts", receipts]].concat();
        let predicted = client.json(&agreed).await;
        let rows = predicted["rows"].as_array().expect("rows");
        let found: Vec<&str> = rows.iter().filter_map(|row| row["class"].as_str()).collect();
        assert_eq!(found, files.classes());
        assert!(predicted["key_bytes"].as_u64().is_some_and(|bytes| bytes > 1_000_000), "{predicted}");
        let kept: Value = serde_json::from_slice(&std::fs::read(receipts).expect("kept")).expect("JSON");
        assert_eq!(kept[0]["id"], predicted["predictions"][0]);
        // For people: a class and its probability a line.
        let again = client.text(&[&predict[..], &["--yes"]].concat()).await;
        let classes: Vec<&str> = again.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(classes, files.classes());

        let (code, said) = client.failure(&["model", "withdraw", model]).await;
        assert!(code == NOT_FOUND, "another's model: {code}: {said}");
        assert!(vendor.text(&["model", "withdraw", model]).await.contains("is withdrawn"));
        assert!(client.text(&["model", "list"]).await.is_empty());
        let (code, said) = client.failure(&[&predict[..], &["--yes"]].concat()).await;
        assert!(code == FAILED && said.contains("withdrawn"), "{code}: {said}");
        assert!(app.running.storage().ledger().audit().await.expect("an audit").is_clean());
    });
}

#[test]
fn what_is_no_model_or_cannot_be_served_is_refused_with_a_reason() {
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let vendor = Person::of(home, &Party::join(home, app.url(), "vendor").await);
        let network = Files::new(home, "mlp");
        let text = home.join("notes.txt");
        std::fs::write(&text, "not a model\n").expect("written");
        let text = text.to_str().expect("text");
        let (code, said) = vendor.failure(&["model", "check", text, "--schema", network.schema()]).await;
        assert!(code == REFUSED && said.contains("not a model"), "{code}: {said}");
        let offer =
            ["model", "publish", network.model(), "--schema", network.schema(), "--title", "x", "--yes"];
        let (code, said) = vendor.failure(&offer).await;
        assert!(code == REFUSED && said.contains("network"), "{code}: {said}");
        let (code, said) = vendor.failure(&["model", "show", "mdl_00000000000000000000000000000000"]).await;
        assert!(code == NOT_FOUND, "{code}: {said}");
    });
}

/// A tree of scikit-learn, the finest integers of which are too fine for the sums of any layout.
#[test]
fn a_regression_is_evaluated_in_the_finest_integers_that_the_listing_has_room_for() {
    const LABEL: &str = "worst_perimeter";
    block_on(async {
        let app = TestApp::start().await;
        let home = app.folder.path();
        let (owner, buyer) = traders(&app.running, home, app.url(), 1_000_000).await;
        let file = fitted(home, "decision_tree_regressor", Numbers::Buckets).model;
        let model = import::any(&std::fs::read(&file).expect("a file"), None, &Limits::default());
        let model = model.expect("a model");
        let csv = tables::breast_cancer();
        let mut schema = tables::inferred(&csv);
        schema.columns.retain(|column| {
            column.name == LABEL || model.inputs.iter().any(|input| input.name == column.name)
        });
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let listing = owner.publish(&csv, schema.clone(), policy).await.expect("published").listing;
        let counts_only = |request: &mut Publication| {
            request.scan = false;
            request.budget = RollupBudget { max_dimensions: 1, ..RollupBudget::default() };
        };
        let counts = owner.publish_as(&csv, schema.clone(), counts_only).await.expect("published").listing;
        let gate = owner.run_gate().await;

        let label = schema.find(LABEL).expect("a column");
        let subject =
            Subject { dataset: listing.dataset, rows: listing.rows, label, by: None, is_hidden: false };
        let finest = audition::choose(&model, &schema, subject).expect("an audition");
        let person = Person::of(home, &buyer);
        let listed = listing.id.to_string();
        let evaluate =
            ["evaluate", &listed, "--model", file.to_str().expect("text"), "--label", LABEL, "--yes"];
        let found = person.json(&evaluate).await;
        let asked: Audition = serde_json::from_value(found["audition"].clone()).expect("an audition");
        assert_ne!(asked, finest.audition, "the finest can be planned: the test needs another table");
        let chosen = audition::alternatives(&finest, &model, &schema, subject)
            .find(|chosen| chosen.audition == asked)
            .expect("coarser integers");
        let stated = &found["model"]["report"]["rounding"];
        assert_eq!(*stated, json!(chosen.outcome.report.rounding), "of the integers that were asked");

        let (integers, rows) = (&chosen.outcome.model, tables::coded(&schema, &csv));
        let scale = schema.column(label).measure.as_ref().expect("a measure").scale;
        let error = |row: usize| {
            let scores = evaluate_row(integers, &rows, row).expect("a prediction").scores;
            let actual = rows.values(label)[row].expect("a value") as f64 / 10f64.powi(i32::from(scale));
            integers.scores(&scores)[0] - actual
        };
        let mse = (0..rows.rows).map(|row| error(row).powi(2)).sum::<f64>() / rows.rows as f64;
        let released = found["metrics"]["all"]["mse"].as_f64().expect("a number");
        assert!((released - mse).abs() < 1e-9 * mse, "{released} is not {mse}");

        // What coarser integers do not change is said of the first, and shows what they are.
        let (of_counts, mut other) = (counts.id.to_string(), evaluate);
        other[1] = &of_counts;
        let (code, said) = person.failure(&other).await;
        assert!(code == REFUSED && said.contains("no layout can answer"), "{code}: {said}");
        let worst = finest.outcome.report.rounding.iter().flatten().copied().fold(0.0, f64::max);
        assert!(said.contains(&format!("off by at most {worst:.2e} by rounding")), "{said}");
        gate.abort();
    });
}

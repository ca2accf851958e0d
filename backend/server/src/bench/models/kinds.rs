//! Auditions of the kinds of model that there are, on tables as an owner would publish them. Schemas and
//! models are those that `sdk/model` is tested with; most of these read every column.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sordino_model::{import, limits::Limits};
use sordino_protocol::schema::Schema;

use super::{Size, case::Case, encrypted::Party, fitted, tables::Rows};

/// A table, its schema with the models that were fitted to it, and the kinds of these that are measured.
struct Published {
    table: &'static str,
    fixture: &'static str,
    kinds: &'static [&'static str],
}

macro_rules! published {
    ($table:literal, $kinds:expr) => {
        Published {
            table: $table,
            fixture: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../sdk/model/tests/auditions/",
                $table,
                ".json"
            )),
            kinds: $kinds,
        }
    };
}

const PUBLISHED: [Published; 3] = [
    published!(
        "german_credit",
        &[
            "gradient_boosting",
            "xgboost",
            "logistic_of_several_classes",
            "linear_svm_of_several_classes",
            "naive_bayes_of_several_classes",
            "gradient_boosting_of_several_classes",
            "poisson",
            "poisson_of_many_inputs",
            "k_means",
            "mlp",
        ]
    ),
    published!(
        "breast_cancer",
        &["random_forest", "random_forest_regressor", "lightgbm", "k_means", "mlp_regressor"]
    ),
    published!(
        "actg175",
        &[
            "extra_trees",
            "lasso",
            "categorical_naive_bayes",
            "naive_bayes_of_several_classes",
            "gradient_boosting_of_several_classes",
            "lightgbm_of_several_classes",
        ]
    ),
];

#[derive(Deserialize)]
struct Fixture {
    schema: Schema,
    models: BTreeMap<String, Exported>,
}

#[derive(Deserialize)]
struct Exported {
    label: String,
    export: Value,
}

pub(super) fn measure(
    party: &mut Party,
    size: &Size,
    report: &mut dyn FnMut(Case) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for published in PUBLISHED.iter().filter(|_| !size.few) {
        let fixture: Fixture = serde_json::from_str(published.fixture)?;
        for kind in published.kinds {
            let case = format!("audition_{kind}_{}", published.table);
            if size.wants(&case) {
                let found = one(party, case.clone(), published.table, &fixture, kind);
                report(found.map_err(|error| error.context(case))?)?;
            }
        }
    }
    Ok(())
}

fn one(party: &mut Party, case: String, table: &str, fixture: &Fixture, kind: &str) -> anyhow::Result<Case> {
    let exported = fixture.models.get(kind).ok_or_else(|| anyhow::anyhow!("there is no such model"))?;
    let model = import::any(exported.export.to_string().as_bytes(), None, &Limits::default())?;
    let mut schema = fixture.schema.clone();
    let read =
        |name: &String| *name == exported.label || model.inputs.iter().any(|input| input.name == *name);
    schema.columns.retain(|column| read(&column.name));
    fitted::audition(party, case, &model, &Rows::read(table, &schema)?, &exported.label)
}

//! A method and its options as people write them: `tree`, with `max_depth=4`.

use serde_json::{Map, Value};
use sordino_model::train::{Criterion, Loss, Method, Task, usable};
use sordino_protocol::schema::Schema;

use super::TrainingError;

/// The names of all methods, as they are typed.
pub const METHODS: &[&str] = &[
    "linear",
    "ridge",
    "logistic",
    "poisson",
    "gaussian-bayes",
    "categorical-bayes",
    "tree",
    "boosted",
    "k-means",
];

/// What is to be fitted, from the words for it. `settings` are options of the method, `name=value`, named
/// and meant as in scikit-learn. Without `inputs`, every column that the method can use is one.
///
/// # Errors
/// When there is no such method or option, with those there are.
pub fn task(
    schema: &Schema,
    method: &str,
    settings: &[String],
    label: Option<&str>,
    inputs: Option<&[String]>,
) -> Result<Task, TrainingError> {
    let mut method = self::method(method, settings)?;
    if let Some(label) = label.and_then(|label| schema.find(label)) {
        let column = schema.column(label);
        let has_classes = column.dimension.as_ref().is_some_and(|domain| domain.is_exact());
        if !has_classes && column.measure.is_some() {
            predict_numbers(&mut method, settings);
        }
    }
    let inputs = inputs.map_or_else(|| usable(schema, &method, label), <[String]>::to_vec);
    Ok(Task { label: label.map(str::to_owned), inputs, method })
}

fn method(name: &str, settings: &[String]) -> Result<Method, TrainingError> {
    let known = name.replace('_', "-");
    if !METHODS.contains(&known.as_str()) {
        return Err(TrainingError::Method { name: name.to_owned(), known: METHODS.join(", ") });
    }
    let mut options = Map::new();
    for setting in settings {
        let (option, value) =
            setting.split_once('=').ok_or_else(|| TrainingError::Setting(setting.to_owned()))?;
        // A ridge regression is a linear regression with a penalty, which scikit-learn calls alpha.
        let option = if (known.as_str(), option) == ("ridge", "alpha") { "ridge" } else { option };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        if options.insert(option.to_owned(), value).is_some() {
            return Err(TrainingError::Setting(format!("{setting} (given twice)")));
        }
    }
    if known == "ridge" {
        options.entry("ridge").or_insert_with(|| Value::from(1.0));
    }
    let tag = if known == "ridge" { "linear".to_owned() } else { known.replace('-', "_") };
    let tagged = Map::from_iter([(tag, Value::Object(options))]);
    serde_json::from_value(Value::Object(tagged))
        .map_err(|error| TrainingError::Options { method: known, reason: error.to_string() })
}

/// Trees of a label that is a number make its squared error smaller, unless something else is asked for.
fn predict_numbers(method: &mut Method, settings: &[String]) {
    let is_set = |option: &str| settings.iter().any(|s| s.split_once('=').is_some_and(|(o, _)| o == option));
    match method {
        Method::Tree(options) if !is_set("criterion") => options.criterion = Criterion::SquaredError,
        Method::Boosted(options) if !is_set("loss") => options.loss = Loss::SquaredError,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, settings: &[&str]) -> Result<Method, TrainingError> {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        method(name, &settings)
    }

    #[test]
    fn every_method_is_known_and_options_are_set() {
        for name in METHODS {
            read(name, &[]).expect(name);
        }
        assert_eq!(read("ridge", &["alpha=10"]).expect("a method"), Method::Linear { ridge: 10.0 });
        assert_eq!(read("linear", &[]).expect("a method"), Method::Linear { ridge: 0.0 });
        let Method::Tree(tree) = read("tree", &["max_depth=3", "criterion=entropy"]).expect("a method")
        else {
            panic!("a tree")
        };
        assert_eq!((tree.max_depth, tree.criterion), (3, Criterion::Entropy));
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_right() {
        for (name, settings, expected) in [
            ("forest", &[][..], "gaussian-bayes"),
            ("tree", &["depth=3"], "max_depth"),
            ("tree", &["max_depth"], "NAME=VALUE"),
            ("tree", &["max_depth=deep"], "u32"),
            ("tree", &["max_depth=1", "max_depth=2"], "twice"),
        ] {
            let error = read(name, settings).expect_err("an error").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}

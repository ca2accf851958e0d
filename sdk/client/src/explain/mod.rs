//! A query in the words that its schema gives, so that a buyer sees how his SQL was understood before he
//! signs for it. It reads like SQL and leaves nothing out.

mod conditions;
mod names;
mod presented;
mod values;

#[cfg(test)]
mod tests;

use sordino_protocol::{
    predicate::Predicate,
    presentation::Presentation,
    query::{Class, Expression, GroupKey, LabelKind, Output, Query, Score},
    schema::Schema,
};

/// A query, and around it what the buyer's own machine does with the answer.
pub fn presented(schema: &Schema, query: &Query, presentation: &Presentation) -> String {
    let inner = self::query(schema, query);
    presented::around(query, presentation, &inner).unwrap_or(inner)
}

/// A query as text close to SQL; for people, not for machines.
pub fn query(schema: &Schema, query: &Query) -> String {
    let one = |output: &Output| {
        let key = |position: u16| {
            let key = query.groups.get(usize::from(position));
            key.map_or_else(|| "?".to_owned(), |key| group(schema, key))
        };
        let expression = values::expression(schema, &query.scores, &output.expression, &key);
        let name = names::identifier(&output.name);
        if same(&name, &expression) { expression } else { format!("{expression} AS {name}") }
    };
    let outputs: Vec<String> = query
        .outputs
        .chunk_by(of_one_score)
        .flat_map(|outputs| match outputs {
            [_, _, ..] => vec![format!("{} bands of one score: {}", outputs.len(), one(&outputs[0]))],
            outputs => outputs.iter().map(one).collect(),
        })
        .collect();
    let mut text = format!("SELECT {} FROM {}", outputs.join(", "), schema.table);
    if query.predicate != Predicate::All {
        text.push_str(&format!(" WHERE {}", conditions::predicate(schema, &query.predicate, false)));
    }
    if !query.groups.is_empty() {
        let groups: Vec<_> =
            query.groups.iter().enumerate().map(|(i, key)| reference(schema, query, i, key)).collect();
        text.push_str(&format!(" GROUP BY {}", groups.join(", ")));
    }
    text
}

/// Which rows a predicate selects, as a condition close to SQL; none where it is all of them.
pub fn predicate(schema: &Schema, rows: &Predicate) -> Option<String> {
    (*rows != Predicate::All).then(|| conditions::predicate(schema, rows, false))
}

/// Whether outputs count rows by bands of the same score, which are too many to be read.
fn of_one_score(a: &Output, b: &Output) -> bool {
    match (&a.expression, &b.expression) {
        (Expression::Band { score, when, .. }, Expression::Band { score: other, when: among, .. }) => {
            score == other && when == among
        }
        _ => false,
    }
}

/// Whether a column needs no alias: it is called as it reads.
fn same(name: &str, expression: &str) -> bool {
    let unquoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    unquoted.unwrap_or(name).eq_ignore_ascii_case(expression.trim_matches('"'))
}

/// A long key that an output shows is named by the position of that output, as SQL allows.
fn reference(schema: &Schema, query: &Query, position: usize, key: &GroupKey) -> String {
    let shows =
        |expression: &Expression| matches!(expression, Expression::Group(p) if usize::from(*p) == position);
    let shown = query.outputs.iter().position(|output| shows(&output.expression));
    match (key, shown) {
        (GroupKey::Classes { .. } | GroupKey::Largest { .. }, Some(output)) => (output + 1).to_string(),
        _ => group(schema, key),
    }
}

fn group(schema: &Schema, key: &GroupKey) -> String {
    match key {
        GroupKey::Codes(id) => names::column(schema, *id),
        GroupKey::Largest { labels, scores } => {
            let one = |(label, score): (&String, &Score)| {
                format!("{} by {}", names::text(label), values::score(schema, score))
            };
            let all: Vec<String> = labels.iter().zip(scores).map(one).collect();
            format!("CLASS OF THE LARGEST SCORE ({})", all.join("; "))
        }
        GroupKey::Classes { kind, classes } => {
            let mut text = "CASE".to_owned();
            for (position, class) in classes.iter().enumerate() {
                let label = label(*kind, class);
                if class.when == Predicate::All && position > 0 {
                    text.push_str(&format!(" ELSE {label}"));
                    break;
                }
                let when = conditions::predicate(schema, &class.when, false);
                text.push_str(&format!(" WHEN {when} THEN {label}"));
            }
            text + " END"
        }
    }
}

fn label(kind: LabelKind, class: &Class) -> String {
    match (&class.label, kind) {
        (None, _) => "NULL".to_owned(),
        (Some(label), LabelKind::Integer | LabelKind::Decimal) if label.parse::<f64>().is_ok() => {
            label.clone()
        }
        (Some(label), LabelKind::Boolean) if label.parse::<bool>().is_ok() => label.to_uppercase(),
        (Some(label), _) => names::text(label),
    }
}

//! Random questions.

use sordino_protocol::schema::{Column, Domain, Schema};

use super::{
    conditions::{condition, near},
    dice::Dice,
    numbers::number,
};

/// A question, and the same for DataFusion, whose averages of decimals are rounded and whose medians
/// of integers are integers.
pub(super) struct Text {
    pub(super) ours: String,
    pub(super) theirs: String,
    /// Grouping keys that are shown.
    pub(super) keys: usize,
    /// Whether rows are kept, sorted and cut after opening.
    pub(super) presented: bool,
}

impl Text {
    pub(super) fn random(dice: &mut Dice, schema: &Schema) -> Self {
        let wanted = dice.between(0, 2);
        let mut keys: Vec<String> = (0..wanted).map(|_| key(dice, schema)).collect();
        keys.sort();
        keys.dedup();
        let mut ours: Vec<String> =
            keys.iter().enumerate().map(|(n, key)| format!("{key} AS k{n}")).collect();
        let mut theirs = ours.clone();
        for position in 0..dice.between(1, 3) {
            let (own, other) = aggregate(dice, schema);
            let filter = if dice.chance(25) {
                format!(" FILTER (WHERE {})", condition(dice, schema, 1))
            } else {
                String::new()
            };
            ours.push(format!("{own}{filter} AS a{position}"));
            // A filter stands behind every aggregate of an expression.
            let other = match other.contains("{filter}") {
                true => other.replace("{filter}", &filter),
                false => format!("{other}{filter}"),
            };
            theirs.push(format!("{other} AS a{position}"));
        }
        let condition =
            if dice.chance(60) { format!(" WHERE {}", condition(dice, schema, 2)) } else { String::new() };
        let groups = match (keys.len(), dice.between(0, 1)) {
            (0, _) => String::new(),
            (_, 0) => format!(" GROUP BY {}", keys.join(", ")),
            (count, _) => {
                let positions: Vec<_> = (1..=count).map(|position| position.to_string()).collect();
                format!(" GROUP BY {}", positions.join(", "))
            }
        };
        let presented = !keys.is_empty() && dice.chance(30);
        let after = if presented {
            let value = number(dice, schema, 1);
            ours.push(format!("100 * SUM({value}) / COUNT(*) - 1 AS ratio"));
            theirs.push(format!("100 * CAST(SUM({value}) AS DOUBLE) / COUNT(*) - 1 AS ratio"));
            after(dice, keys.len())
        } else {
            String::new()
        };
        let text = |list: &[String]| format!("SELECT {} FROM t{condition}{groups}{after}", list.join(", "));
        Self { ours: text(&ours), theirs: text(&theirs), keys: keys.len(), presented }
    }
}

/// HAVING, without which empty groups would be shown, ORDER BY all keys, and LIMIT.
fn after(dice: &mut Dice, keys: usize) -> String {
    let sorted: Vec<_> = (0..keys)
        .map(|key| {
            format!(
                "k{key}{}{}",
                dice.word(&["", " ASC", " DESC"]),
                dice.word(&["", " NULLS FIRST", " NULLS LAST"])
            )
        })
        .collect();
    let limit = match dice.between(0, 2) {
        0 => String::new(),
        1 => format!(" LIMIT {}", dice.between(1, 6)),
        _ => format!(" LIMIT {} OFFSET {}", dice.between(1, 6), dice.between(0, 3)),
    };
    let having = dice.word(&["COUNT(*) > 0", "COUNT(*) BETWEEN 2 AND 9", "NOT (COUNT(*) IN (0, 3))"]);
    format!(" HAVING {having} ORDER BY {}{limit}", sorted.join(", "))
}

/// A grouping key; buckets of several values are no values for DataFusion.
fn key(dice: &mut Dice, schema: &Schema) -> String {
    let column = dice.pick(&schema.columns).clone();
    let name = &column.name;
    match &column.dimension {
        Some(Domain::Date { edges }) => match dice.between(0, 3) {
            0 if edges.len() < 40 && is_exact(&column) => name.clone(),
            1 => format!("date_trunc('{}', {name})", dice.word(&["month", "year", "quarter", "week"])),
            2 => format!("extract({} FROM {name})", dice.word(&["year", "month", "quarter", "dow"])),
            _ => format!("CASE WHEN {name} < '1996-01-01' THEN 'before' ELSE 'after' END"),
        },
        Some(Domain::Category { .. }) => match dice.between(0, 4) {
            0 => format!("substr({name}, 1, 1)"),
            1 => format!("character_length({name})"),
            2 => format!("CASE {name} WHEN 'own' THEN 'mine' WHEN 'Anna' THEN 'hers' END"),
            _ => name.clone(),
        },
        Some(Domain::Integer { .. } | Domain::Buckets { .. }) => match dice.between(0, 5) {
            0 => format!("width_bucket({name}, -5, 10, {})", dice.between(1, 5)),
            1 if is_exact(&column) => format!("{name} % 3"),
            2 => format!("{name} >= {}", near(dice, &column)),
            3 => format!(
                "CASE WHEN {} THEN 1 WHEN {name} < 5 THEN {name} ELSE 2.5 END",
                condition(dice, schema, 1)
            ),
            _ if is_exact(&column) => name.clone(),
            _ => format!("CASE WHEN {name} < 5 THEN 'low' WHEN {name} IS NULL THEN 'none' ELSE 'high' END"),
        },
        Some(_) => name.clone(),
        None => match dice.between(0, 1) {
            0 => format!("{name} IS NULL"),
            _ => {
                let (first, second) = (condition(dice, schema, 1), condition(dice, schema, 1));
                format!("CASE WHEN {first} THEN 'one' WHEN {second} THEN 'two' END")
            }
        },
    }
}

fn is_exact(column: &Column) -> bool {
    column.dimension.as_ref().is_some_and(Domain::is_exact)
}

/// An aggregate, and the same for DataFusion.
fn aggregate(dice: &mut Dice, schema: &Schema) -> (String, String) {
    let same = |text: String| (text.clone(), text);
    match dice.between(0, 11) {
        0 => same("COUNT(*)".to_owned()),
        1 => same(format!("COUNT({})", dice.pick(&schema.columns).name)),
        2 => same(format!("COUNT({})", number(dice, schema, 1))),
        3 => same(format!("COUNT({})", condition(dice, schema, 1))),
        4 => match exact(dice, schema) {
            Some(column) => same(format!("COUNT(DISTINCT {})", column.name)),
            None => same("COUNT(1)".to_owned()),
        },
        5 => match exact(dice, schema) {
            Some(column) => same(format!("{}({})", dice.word(&["MIN", "MAX"]), column.name)),
            None => same("COUNT(2)".to_owned()),
        },
        6 => match exact(dice, schema).filter(is_number) {
            Some(Column { name, .. }) => {
                (format!("MEDIAN({name})"), format!("MEDIAN(CAST({name} AS DOUBLE))"))
            }
            None => same("COUNT(3)".to_owned()),
        },
        7 | 8 => same(format!("SUM({})", number(dice, schema, 3))),
        9 => {
            let value = number(dice, schema, 2);
            (format!("AVG({value})"), format!("AVG(CAST({value} AS DOUBLE))"))
        }
        10 => {
            let value = number(dice, schema, 1);
            let name = dice.word(&["VAR_POP", "VAR_SAMP", "STDDEV", "STDDEV_POP", "VAR", "STDDEV_SAMP"]);
            (format!("{name}({value})"), format!("{name}(CAST({value} AS DOUBLE))"))
        }
        _ => {
            let (y, x) = (number(dice, schema, 1), number(dice, schema, 0));
            let names = ["COVAR_POP", "COVAR_SAMP", "CORR", "REGR_SLOPE", "REGR_INTERCEPT", "REGR_R2"];
            let name = dice.word(&names);
            if name == "REGR_R2" {
                // The standard has 1 for a constant y that x could explain; DataFusion has NULL.
                let of = |name| format!("{name}(CAST({y} AS DOUBLE), CAST({x} AS DOUBLE)){{filter}}");
                let one = format!("CASE WHEN {} IS NOT NULL THEN 1.0 END", of("REGR_SLOPE"));
                return (format!("{name}({y}, {x})"), format!("coalesce({}, {one})", of(name)));
            }
            (format!("{name}({y}, {x})"), format!("{name}(CAST({y} AS DOUBLE), CAST({x} AS DOUBLE))"))
        }
    }
}

fn exact(dice: &mut Dice, schema: &Schema) -> Option<Column> {
    let fitting: Vec<&Column> = schema.columns.iter().filter(|column| is_exact(column)).collect();
    (!fitting.is_empty()).then(|| (*dice.pick(&fitting)).clone())
}

fn is_number(column: &Column) -> bool {
    matches!(column.dimension, Some(Domain::Integer { .. } | Domain::Buckets { .. }))
}

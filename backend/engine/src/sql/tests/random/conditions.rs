//! Random conditions, mostly near the values that occur.

use sordino_protocol::schema::{Column, Domain, ORDERS, Schema, decimal};

use super::dice::Dice;

/// A condition that nests at most so deep. In parentheses: the parser reads `a IS DISTINCT FROM b AND c`
/// as `a IS DISTINCT FROM (b AND c)`.
pub(super) fn condition(dice: &mut Dice, schema: &Schema, depth: u32) -> String {
    if depth > 0 && dice.chance(60) {
        let inner = |dice: &mut Dice| condition(dice, schema, depth - 1);
        return match dice.between(0, 6) {
            0 | 1 => format!("({} AND {})", inner(dice), inner(dice)),
            2 | 3 => format!("({} OR {})", inner(dice), inner(dice)),
            4 => format!("(NOT {})", inner(dice)),
            5 => {
                let truth = dice.word(&["TRUE", "FALSE", "UNKNOWN", "NOT TRUE", "NOT FALSE", "NOT UNKNOWN"]);
                format!("({} IS {truth})", inner(dice))
            }
            _ => {
                let (when, then, other) = (inner(dice), inner(dice), inner(dice));
                let other = if dice.chance(60) { format!(" ELSE {other}") } else { String::new() };
                format!("(CASE WHEN {when} THEN {then}{other} END)")
            }
        };
    }
    if dice.chance(12) {
        return format!("({})", pair(dice, schema));
    }
    let columns: Vec<&Column> = schema.columns.iter().collect();
    let column = *dice.pick(&columns);
    if column.dimension.is_none() || dice.chance(8) {
        return format!("({} IS {}NULL)", column.name, dice.word(&["", "NOT "]));
    }
    format!("({})", atom(dice, column))
}

fn atom(dice: &mut Dice, column: &Column) -> String {
    let name = &column.name;
    match &column.dimension {
        Some(Domain::Boolean) => {
            let forms =
                ["{} = false", "NOT {}", "{}", "{} IS NOT FALSE", "{} IS DISTINCT FROM true", "{} <> NULL"];
            dice.word(&forms).replace("{}", name)
        }
        Some(Domain::Category { values }) => text(dice, name, values),
        Some(Domain::Order { .. }) => text(dice, name, &ORDERS.map(str::to_owned)),
        Some(Domain::Date { edges }) => date(dice, name, edges),
        Some(_) => number(dice, column),
        None => "true".to_owned(),
    }
}

const OPERATORS: [&str; 8] = ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"];

fn text(dice: &mut Dice, name: &str, values: &[String]) -> String {
    let constant = |dice: &mut Dice| match dice.between(0, 9) {
        0 => "NULL".to_owned(),
        1 => "'absent'".to_owned(),
        _ => format!("'{}'", dice.pick(values).replace('\'', "''")),
    };
    let not = dice.word(&["", "NOT "]);
    match dice.between(0, 8) {
        0 | 1 => format!("{name} {} {}", dice.word(&OPERATORS), constant(dice)),
        2 => format!("{} {} {name}", constant(dice), dice.word(&OPERATORS)),
        3 => format!("{name} {not}IN ({}, {}, {})", constant(dice), constant(dice), constant(dice)),
        4 => {
            let patterns = ["'%n%'", "'_nna'", "'%'", "'a%'", "'O_n'", "'for%e'", "'b\\_c'", "''"];
            format!("{name} {not}{} {}", dice.word(&["LIKE", "ILIKE"]), dice.word(&patterns))
        }
        5 => format!("lower({name}) = {}", constant(dice).to_lowercase()),
        6 => format!("coalesce({name}, 'own') {not}IN ('own', 'anna')"),
        7 => format!("character_length({name}) {} {}", dice.word(&["<", ">=", "="]), dice.between(3, 6)),
        _ => format!(
            "CASE {name} WHEN {} THEN 1 WHEN {} THEN 2 END {} 1",
            constant(dice),
            constant(dice),
            dice.word(&OPERATORS)
        ),
    }
}

fn date(dice: &mut Dice, name: &str, edges: &[chrono::NaiveDate]) -> String {
    let day = |dice: &mut Dice| {
        let mut day = *dice.pick(edges);
        if dice.chance(30) {
            day = day + chrono::Days::new(dice.between(0, 40).unsigned_abs());
        }
        if dice.chance(60) { format!("DATE '{day}'") } else { format!("'{day}'") }
    };
    match dice.between(0, 8) {
        0 | 1 => format!("{name} {} {}", dice.word(&OPERATORS), day(dice)),
        2 => format!("{name} BETWEEN {} AND {}", day(dice), day(dice)),
        3 => {
            let interval = dice.word(&["1 month", "1 year", "10 days", "1 month 3 days"]);
            let day = dice.pick(edges);
            format!(
                "{name} {} DATE '{day}' {} INTERVAL '{interval}'",
                dice.word(&["<", ">=", ">", "<="]),
                dice.word(&["+", "-"])
            )
        }
        4 => format!("{name} + INTERVAL '1 month' {} {}", dice.word(&["<", ">="]), day(dice)),
        5 => format!(
            "extract(year FROM {name}) {} {}",
            dice.word(&["=", "<>", "<", ">="]),
            dice.between(1995, 1997)
        ),
        6 => format!(
            "date_part('{}', {name}) {} {}",
            dice.word(&["month", "day", "dow", "quarter", "week"]),
            dice.word(&["=", "<", ">="]),
            dice.between(0, 12)
        ),
        7 => {
            let (grain, day) = (dice.word(&["month", "year", "quarter"]), dice.pick(edges));
            format!("date_trunc('{grain}', {name}) {} DATE '{day}'", dice.word(&["=", "<", ">", "<>"]))
        }
        _ => format!("{name} {}IN ({}, {})", dice.word(&["", "NOT "]), day(dice), day(dice)),
    }
}

/// A constant near the values of a number.
pub(super) fn near(dice: &mut Dice, column: &Column) -> String {
    let domain = column.dimension.as_ref().expect("a dimension");
    let scale = match domain {
        Domain::Buckets { scale, .. } => *scale,
        _ => 0,
    };
    let code = u32::try_from(dice.between(0, i64::from(domain.size()) - 1)).expect("a code");
    let (low, high) = domain.interval(code).expect("a number");
    match dice.between(0, 11) {
        0 => "NULL".to_owned(),
        1 => format!("{}.5", low / 10),
        2 => dice.word(&["0", "-1e3", "1e20", "2 * 3 - 5", "99999999999999999999999"]).to_owned(),
        3 => decimal(high, scale),
        _ => decimal(low, scale),
    }
}

fn number(dice: &mut Dice, column: &Column) -> String {
    let name = &column.name;
    let not = dice.word(&["", "NOT "]);
    let op = dice.word(&OPERATORS);
    match dice.between(0, 10) {
        0 | 1 => format!("{name} {op} {}", near(dice, column)),
        2 => format!("{} {op} {name}", near(dice, column)),
        3 => format!("{name} {not}BETWEEN {} AND {}", near(dice, column), near(dice, column)),
        4 => {
            format!("{name} {not}IN ({}, {}, {})", near(dice, column), near(dice, column), near(dice, column))
        }
        5 => format!("{name} + {} {op} {}", dice.between(-5, 5), near(dice, column)),
        6 => format!("{} * {name} - 1 {op} {}", dice.between(-2, 3), near(dice, column)),
        7 => format!("-{name} {op} {}", near(dice, column)),
        8 => format!("abs({name}) {op} {}", dice.between(0, 9)),
        9 => format!("coalesce({name}, 0) {op} {}", near(dice, column)),
        _ => format!(
            "CASE WHEN {name} > {} THEN {name} ELSE 0 END {op} {}",
            near(dice, column),
            near(dice, column)
        ),
    }
}

/// A comparison of two columns of the same kind.
fn pair(dice: &mut Dice, schema: &Schema) -> String {
    let kind = |column: &Column| match (&column.dimension, &column.measure) {
        (Some(Domain::Integer { .. } | Domain::Buckets { .. }), _) => 0,
        (Some(Domain::Date { .. }), _) => 1,
        (Some(Domain::Category { .. } | Domain::Order { .. }), _) => 2,
        (Some(Domain::Boolean), _) => 3,
        (None, _) => 4,
    };
    // What is ordered by a column of its own, sometimes.
    if dice.chance(40) {
        for column in &schema.columns {
            if let Some(Domain::Order { left, right }) = &column.dimension {
                let (a, b) = if dice.chance(50) { (left, right) } else { (right, left) };
                return format!("{a} {} {b}", dice.word(&OPERATORS));
            }
        }
    }
    let first = dice.pick(&schema.columns).clone();
    let same: Vec<&Column> = schema.columns.iter().filter(|other| kind(other) == kind(&first)).collect();
    let second = (*dice.pick(&same)).clone();
    let op = dice.word(&OPERATORS);
    match kind(&first) {
        0 if dice.chance(40) => format!("{} + {} {op} {}", first.name, dice.between(-3, 3), second.name),
        0 if dice.chance(20) => format!("{} BETWEEN {} AND 9", first.name, second.name),
        1 if dice.chance(30) => format!("{} + INTERVAL '1 month' {op} {}", first.name, second.name),
        2 if dice.chance(30) => format!("coalesce({}, {}) = 'own'", first.name, second.name),
        _ => format!("{} {op} {}", first.name, second.name),
    }
}

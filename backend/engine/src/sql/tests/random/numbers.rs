//! Random arithmetic of measures.

use sordino_protocol::schema::{Domain, Schema};

use super::{conditions::condition, dice::Dice};

/// An expression that is a number of a row.
pub(super) fn number(dice: &mut Dice, schema: &Schema, depth: u32) -> String {
    let inner = |dice: &mut Dice| number(dice, schema, depth.saturating_sub(1));
    if depth == 0 || dice.chance(35) {
        return leaf(dice, schema);
    }
    match dice.between(0, 9) {
        0 => format!("({} + {})", inner(dice), inner(dice)),
        1 => format!("({} - {})", inner(dice), inner(dice)),
        2 | 3 => format!("({} * {})", inner(dice), inner(dice)),
        4 => format!("(- {})", inner(dice)),
        5 => format!("coalesce({}, {})", inner(dice), inner(dice)),
        6 => format!("({} * {})", dice.word(&["0.5", "100", "-3", "1.25"]), inner(dice)),
        7 => format!("(1 - {})", inner(dice)),
        8 => {
            let (first, second) = (condition(dice, schema, 1), condition(dice, schema, 0));
            let (a, b, c) = (inner(dice), inner(dice), inner(dice));
            format!("CASE WHEN {first} THEN {a} WHEN {second} THEN {b} ELSE {c} END")
        }
        _ => {
            let when = condition(dice, schema, 1);
            let then = if dice.chance(20) { "NULL".to_owned() } else { inner(dice) };
            format!("CASE WHEN {when} THEN {then} ELSE {} END", inner(dice))
        }
    }
}

fn leaf(dice: &mut Dice, schema: &Schema) -> String {
    let measures: Vec<_> = schema.measures().collect();
    let exact = |column: &&sordino_protocol::schema::Column| matches!(&column.dimension, Some(domain @ (Domain::Integer { .. } | Domain::Buckets { .. })) if domain.is_exact());
    match dice.between(0, 9) {
        0 => dice.word(&["1", "-2", "0", "3.5"]).to_owned(),
        1 => {
            let known: Vec<_> = schema.columns.iter().filter(exact).collect();
            if known.is_empty() { "7".to_owned() } else { dice.pick(&known).name.clone() }
        }
        _ if measures.is_empty() => "4".to_owned(),
        _ => schema.column(*dice.pick(&measures)).name.clone(),
    }
}

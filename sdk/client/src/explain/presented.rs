//! What the buyer's own machine does with the answer, as a query around the one that is paid for.

use sordino_protocol::{
    presentation::{BinaryOperator, PostExpression, Presentation, UnaryOperator},
    query::Query,
};

use super::names;

/// The presentation as SQL around `inner`; `None` when it shows the outputs as they are.
pub(super) fn around(query: &Query, presentation: &Presentation, inner: &str) -> Option<String> {
    let plain = Presentation::plain(query.outputs.iter().map(|output| output.name.clone()));
    if *presentation == plain {
        return None;
    }
    let outputs = Outputs(query);
    let columns: Vec<_> = presentation
        .columns
        .iter()
        .map(|shown| {
            let (expression, name) = (outputs.text(&shown.expression, 0), names::identifier(&shown.name));
            if expression == name { name } else { format!("{expression} AS {name}") }
        })
        .collect();
    let mut text = format!("SELECT {} FROM (\n  {inner}\n)", columns.join(", "));
    if let Some(having) = &presentation.having {
        text.push_str(&format!(" WHERE {}", outputs.text(having, 0)));
    }
    let order: Vec<_> = presentation
        .order
        .iter()
        .map(|key| {
            let direction = if key.descending { "DESC" } else { "ASC" };
            let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
            format!("{} {direction} NULLS {nulls}", outputs.text(&key.expression, 0))
        })
        .collect();
    if !order.is_empty() {
        text.push_str(&format!(" ORDER BY {}", order.join(", ")));
    }
    if let Some(limit) = presentation.limit {
        text.push_str(&format!(" LIMIT {limit}"));
    }
    if presentation.offset > 0 {
        text.push_str(&format!(" OFFSET {}", presentation.offset));
    }
    Some(text)
}

struct Outputs<'a>(&'a Query);

impl Outputs<'_> {
    /// In brackets unless it binds more tightly than `around`.
    fn text(&self, of: &PostExpression, around: u8) -> String {
        match of {
            PostExpression::Output(output) => self.name(*output),
            PostExpression::Null => "NULL".to_owned(),
            PostExpression::Boolean(truth) => truth.to_string().to_uppercase(),
            PostExpression::Text(text) => names::text(text),
            PostExpression::Number(number) => number.chars().filter(|c| !c.is_control()).collect(),
            PostExpression::Unary { operator, of } => {
                let (text, binding) = match operator {
                    UnaryOperator::Not => (format!("NOT {}", self.text(of, 3)), 2),
                    UnaryOperator::Negate => (format!("-{}", self.text(of, 7)), 6),
                    UnaryOperator::IsNull => (format!("{} IS NULL", self.text(of, 4)), 3),
                    UnaryOperator::IsNotNull => (format!("{} IS NOT NULL", self.text(of, 4)), 3),
                };
                bracketed(text, binding <= around)
            }
            PostExpression::Binary { operator, left, right } => {
                let (sign, binding) = operator_of(*operator);
                // Of equal operators the left one comes first.
                let text = format!("{} {sign} {}", self.text(left, binding - 1), self.text(right, binding));
                bracketed(text, binding <= around)
            }
        }
    }

    /// By name where that is unambiguous.
    fn name(&self, output: u16) -> String {
        let outputs = &self.0.outputs;
        match outputs.get(usize::from(output)) {
            Some(found) if outputs.iter().filter(|other| other.name == found.name).count() == 1 => {
                names::identifier(&found.name)
            }
            _ => format!("\"column {}\"", u32::from(output) + 1),
        }
    }
}

fn bracketed(text: String, brackets: bool) -> String {
    if brackets { format!("({text})") } else { text }
}

const fn operator_of(operator: BinaryOperator) -> (&'static str, u8) {
    match operator {
        BinaryOperator::Or => ("OR", 1),
        BinaryOperator::And => ("AND", 2),
        BinaryOperator::Equal => ("=", 3),
        BinaryOperator::NotEqual => ("<>", 3),
        BinaryOperator::Less => ("<", 3),
        BinaryOperator::LessOrEqual => ("<=", 3),
        BinaryOperator::Greater => (">", 3),
        BinaryOperator::GreaterOrEqual => (">=", 3),
        BinaryOperator::Add => ("+", 4),
        BinaryOperator::Subtract => ("-", 4),
        BinaryOperator::Multiply => ("*", 5),
        BinaryOperator::Divide => ("/", 5),
    }
}

//! One value of an input column, as a model sees it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number, a text, or no value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A finite number.
    Number(f64),
    /// A text; booleans are `true` and `false`.
    Text(String),
    /// No value.
    Null,
}

impl Scalar {
    /// From a cell of a source; `None` is no value. A text stays a text: see [`Scalar::number`].
    pub fn from_cell(cell: Option<&str>) -> Self {
        cell.map_or(Self::Null, |text| Self::Text(text.to_owned()))
    }

    /// The number it is or says, if it is finite; booleans count as 0 and 1.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => match text.trim() {
                "true" => Some(1.0),
                "false" => Some(0.0),
                other => other.parse().ok(),
            },
            Self::Null => None,
        }
        .filter(|number| number.is_finite())
    }

    /// Whether it is no value.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether both are the same value: texts as texts, anything else by the numbers they say, so that
    /// a category 2 is found in a column of texts.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Null, _) | (_, Self::Null) => false,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "`{}`", text.chars().take(60).collect::<String>()),
            Self::Null => f.write_str("no value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_written_as_text_are_the_same_value() {
        let text = |text: &str| Scalar::Text(text.to_owned());
        assert!(Scalar::Number(2.0).same(&text("2")));
        assert!(Scalar::Number(1.0).same(&text("true")));
        assert!(!text("2").same(&text("2.0")), "texts are compared as texts");
        assert!(!Scalar::Null.same(&text("")));
        assert_eq!(text("inf").number(), None);
        let read: Vec<Scalar> = serde_json::from_str("[1, \"a\", null]").expect("scalars");
        assert_eq!(read, [Scalar::Number(1.0), text("a"), Scalar::Null]);
    }
}

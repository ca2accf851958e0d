//! Which columns of a table a method can read, for who does not name them.

use sordino_protocol::schema::{Column, Domain, Schema};

use super::task::Method;

/// A regression has a coefficient for each code: of columns with more, people name those they want.
const MOST_CODES: u32 = 16;

/// The columns that a method can read, without the label.
pub fn usable(schema: &Schema, method: &Method, label: Option<&str>) -> Vec<String> {
    let can_read = |column: &&Column| Some(column.name.as_str()) != label && reads(method, column);
    schema.columns.iter().filter(can_read).map(|column| column.name.clone()).collect()
}

fn reads(method: &Method, column: &Column) -> bool {
    let dimension = column.dimension.as_ref().filter(|domain| !matches!(domain, Domain::Date { .. }));
    match method {
        Method::Linear { .. } => {
            column.measure.is_some() || dimension.is_some_and(|domain| domain.size() <= MOST_CODES)
        }
        Method::GaussianBayes { .. } => column.measure.is_some(),
        Method::CategoricalBayes { .. }
        | Method::Tree(_)
        | Method::Boosted(_)
        | Method::Logistic { .. }
        | Method::Poisson { .. } => dimension.is_some(),
        Method::KMeans(_) => column.measure.is_some() && dimension.is_some_and(Domain::is_ordered),
    }
}

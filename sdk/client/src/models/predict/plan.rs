//! What predicting a table takes, before anything is encrypted or paid.

use std::{ops::Range, path::Path};

use sordino_fhe::predict::inputs_size;
use sordino_model::quantised::Reading;
use sordino_protocol::{
    api::models::{ModelListing, ServedForm},
    canonical::Canonical,
    coded::CodedTable,
    money::Amount,
    predict::MAX_INPUTS,
};

use crate::{
    ClientError,
    models::ModelsError,
    table::{Table, TableError},
};

/// Rows, and how they will be sent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The model.
    pub listing: ModelListing<Reading>,
    /// The way of packing that takes the fewest bytes.
    pub form: ServedForm,
    /// The rows, encoded under the model's schema. They do not leave this machine.
    pub table: CodedTable,
    /// Rows of each request.
    pub requests: Vec<Range<usize>>,
    /// Exact price of all of them.
    pub price: Amount,
    /// Bytes of encrypted inputs that are sent for all of them.
    pub bytes: u64,
    /// Columns of the table that the model does not have; they are not read.
    pub ignored: Vec<String>,
}

/// Reads a table and plans its predictions. Takes a moment: call it off the async runtime.
///
/// # Errors
/// When the listing contradicts itself, a value does not fit the model's schema, or there are more rows
/// than the vendor allows a day.
pub fn plan(listing: ModelListing<Reading>, file: &Path) -> Result<Plan, ClientError> {
    check(&listing)?;
    let source = Table::open(file)?;
    let mapping = source.map(&listing.schema)?;
    let mut table = CodedTable::new(&listing.schema);
    let rows = source.visit(|row, cells| {
        let mut selected = Vec::with_capacity(listing.schema.columns.len());
        mapping.select(cells, &mut selected);
        table
            .push(&listing.schema, row, &selected)
            .map_err(|error| TableError::Row { path: file.to_owned(), error })
    })?;
    if rows == 0 {
        return Err(TableError::NoRows { path: file.to_owned() }.into());
    }
    let rows = table.rows;
    if rows as u64 > listing.quota.samples_per_day {
        return Err(ModelsError::TooManyRows { rows, limit: listing.quota.samples_per_day }.into());
    }
    let at_once = |form: &ServedForm| form.rows.min(listing.quota.samples_per_request).max(1) as usize;
    // Sizes were checked: a form has slots.
    let size = |form: &ServedForm, rows| inputs_size(&form.form, rows).unwrap_or(u64::MAX);
    let bytes = |form: &ServedForm| {
        let (whole, rest) = ((rows / at_once(form)) as u64, rows % at_once(form));
        let rest = if rest == 0 { 0 } else { size(form, rest) };
        whole.saturating_mul(size(form, at_once(form))).saturating_add(rest)
    };
    let form = listing.forms.iter().min_by_key(|form| bytes(form)).cloned();
    let form = form.ok_or(ModelsError::Listing("it has no form"))?;
    let (step, bytes) = (at_once(&form), bytes(&form));
    let requests = (0..rows).step_by(step).map(|start| start..rows.min(start + step)).collect();
    let price = listing.price.times(rows as u64).map_err(ModelsError::from)?;
    Ok(Plan { form, table, requests, price, bytes, ignored: mapping.ignored, listing })
}

/// A listing comes from outside: what follows from its forms must be what it says.
fn check(listing: &ModelListing<Reading>) -> Result<(), ClientError> {
    let wrong = |what| Err(ModelsError::Listing(what).into());
    listing.schema.validate()?;
    if listing.price.is_negative() {
        return wrong("its price is below zero");
    }
    let scores = listing.reading.link.scores(listing.reading.classes.len());
    for served in &listing.forms {
        let form = &served.form;
        if form.digest()? != served.digest {
            return wrong("a form does not have its digest");
        }
        if form.ciphertexts(form.rows()) > MAX_INPUTS || served.rows as usize != form.rows() {
            return wrong("a form asks for too many ciphertexts or states another number of rows");
        }
        if inputs_size(form, 1).map_err(ModelsError::from)? != served.input_bytes {
            return wrong("a form states another size than it has");
        }
        if scores != Some(form.scores as usize) {
            return wrong("a form has another number of scores than the reading");
        }
    }
    Ok(())
}

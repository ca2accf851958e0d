//! Which integers an audition uses: the finest whose sums stay within 64 bits, reading what can be
//! compiled. It follows from the model and what is public.

use sordino_protocol::{
    bounds::MAX_PARTIAL_BYTES,
    digest::Digest,
    lower::scan,
    query::QueryError,
    schema::{ColumnId, Schema},
};

use super::{Audition, AuditionError, Way, check_rows, compile};
use crate::{
    model::{Estimator, Link, Model},
    quantise::{Options, Outcome, Prefer, QuantiseError, Resolution, quantise},
};

/// Bits of the score of a classifier. Its predictions are tabulated: more bits cost nothing.
const CLASSIFIER_BITS: u32 = 44;
/// Fraction bits of a regression, the finest first: squares over all rows must stay within 63 bits. Bits
/// of the score would not do, for the label may have a wider range than what is predicted.
const REGRESSION_BITS: std::ops::RangeInclusive<i32> = -16..=44;

/// Bits that a regression may give up for the layouts of a listing.
const GIVEN_UP: i32 = 24;
/// Steps of the integers that the range of the label has at least: with fewer, what is told is hardly about
/// the model.
const STEPS: f64 = 4.0;

/// Bits of a score whose levels are counted.
const LEVEL_BITS: std::ops::RangeInclusive<u32> = 3..=8;
/// Bits of scores that are compared with each other: what they have in common does not count.
const COMPARED_BITS: std::ops::RangeInclusive<u32> = 3..=16;

/// What is auditioned, of which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Digest of the manifest of the dataset version.
    pub dataset: Digest,
    /// Its rows.
    pub rows: u64,
    /// The column that is predicted.
    pub label: ColumnId,
    /// The column to group by.
    pub by: Option<ColumnId>,
    /// Whether the owner's gate is not to see the model: then only counts of rows by predicted class are
    /// asked for, without the curves of a score.
    pub is_hidden: bool,
}

/// A model in integers, and its audition.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The integers, and how far they may be off.
    pub outcome: Outcome,
    /// How they were made.
    pub options: Options,
    /// What to ask, and how to read the answer.
    pub audition: Audition,
}

/// Why there is no audition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChooseError {
    /// Model and table do not go together.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// No query evaluates the model.
    #[error(transparent)]
    Audition(#[from] AuditionError),
}

/// Turns a valid model into integers over a valid schema, and these into an audition.
///
/// # Errors
/// Why the first of the ways that were tried is none.
pub fn choose(model: &Model, schema: &Schema, subject: Subject) -> Result<Chosen, ChooseError> {
    // What is tabulated in any case reads codes, and may be as fine as a classifier.
    let tabulated = model.link() == Link::Exp || matches!(model.estimator, Estimator::Network { .. });
    let resolutions: Vec<Resolution> = if model.classes.is_empty() && !tabulated {
        REGRESSION_BITS.rev().step_by(2).map(Resolution::FractionBits).collect()
    } else {
        vec![Resolution::ScoreBits(CLASSIFIER_BITS)]
    };
    // A table of few codes can be tabulated; a measure can be multiplied.
    let prefers: &[Prefer] = match (tabulated, model.classes.is_empty()) {
        (true, _) => &[Prefer::Codes],
        (false, true) => &[Prefer::Measures, Prefer::Codes],
        (false, false) => &[Prefer::Exact, Prefer::Codes],
    };
    let mut refused: Option<ChooseError> = None;
    for prefer in prefers {
        for resolution in &resolutions {
            let options = Options { resolution: *resolution, prefer: *prefer, ..Options::default() };
            let error = match one(model, schema, subject, options, Way::Best) {
                Ok(chosen) => return Ok(chosen),
                Err(error) => error,
            };
            let coarser_may_do = is_too_fine(&error);
            // What coarser integers would not change is the better reason.
            if refused.as_ref().is_none_or(is_too_fine) {
                refused = Some(error);
            }
            if !coarser_may_do {
                break;
            }
        }
    }
    let by_levels = matches!(
        refused,
        Some(ChooseError::Audition(
            AuditionError::Threshold { .. }
                | AuditionError::TooManyCells { .. }
                | AuditionError::TooManyParts { .. }
                | AuditionError::NotTabulated { .. }
                | AuditionError::Levels { .. }
                | AuditionError::ThresholdOfMeasure { .. }
        ))
    );
    if by_levels && let Some(found) = finest_levels(model, schema, subject, Way::Best) {
        return found;
    }
    Err(refused.unwrap_or(ChooseError::Audition(AuditionError::TooFine)))
}

/// By the levels of scores that are as fine as their powers have room for; `None` if even the coarsest have too
/// many.
fn finest_levels(
    model: &Model,
    schema: &Schema,
    subject: Subject,
    way: Way,
) -> Option<Result<Chosen, ChooseError>> {
    let compared = model.classes.len() > 2 || model.link() == Link::Smallest;
    let mut bits = (if compared { COMPARED_BITS } else { LEVEL_BITS }).rev();
    bits.find_map(|bits| {
        let resolution = Resolution::ScoreBits(bits);
        let options = Options { resolution, prefer: Prefer::Codes, difference: true, ..Options::default() };
        match one(model, schema, subject, options, way) {
            Err(ChooseError::Audition(
                AuditionError::Levels { .. } | AuditionError::Depth(_) | AuditionError::TooManyGroups { .. },
            )) => None,
            found => Some(found),
        }
    })
}

/// The same audition in other ways, the best first, and a bounded number of them: which layouts a listing
/// has, and so how large sums and how deep conditions may be, is not known here. Sums of errors come in
/// coarser integers; what is told by conditions comes by the levels of scores. What is by levels already has
/// none.
pub fn alternatives<'a>(
    chosen: &Chosen,
    model: &'a Model,
    schema: &'a Schema,
    subject: Subject,
) -> impl Iterator<Item = Chosen> + use<'a> {
    let (options, coarsest) = (chosen.options, *REGRESSION_BITS.start());
    let finest = match options.resolution {
        Resolution::FractionBits(bits) => bits,
        Resolution::ScoreBits(_) => coarsest,
    };
    let measure = schema.column(subject.label).measure.as_ref();
    let range = measure
        .map(|measure| measure.min.abs_diff(measure.max) as f64 / 10f64.powi(i32::from(measure.scale)));
    let bits = (finest.saturating_sub(GIVEN_UP).max(coarsest)..finest).rev();
    let is_fine = move |bits: &i32| range.is_none_or(|range| range * 2f64.powi(*bits) >= STEPS);
    let coarser = bits.take_while(is_fine).filter_map(move |bits| {
        let options = Options { resolution: Resolution::FractionBits(bits), ..options };
        one(model, schema, subject, options, Way::Best).ok()
    });
    let conditions =
        matches!(options.resolution, Resolution::ScoreBits(_)) && !chosen.audition.query.is_scored();
    let levels = move || finest_levels(model, schema, subject, Way::Scores)?.ok();
    coarser.chain(std::iter::once_with(move || conditions.then(levels).flatten()).flatten())
}

fn one(
    model: &Model,
    schema: &Schema,
    subject: Subject,
    options: Options,
    way: Way,
) -> Result<Chosen, ChooseError> {
    let outcome = quantise(model, schema, &options)?;
    let audition = compile(&outcome.model, schema, subject, way)?;
    check_rows(&audition, schema, subject.rows)?;
    if audition.query.is_scored() {
        let bytes =
            scan::check_scores(schema, subject.rows, &audition.query).map_err(AuditionError::Depth)?;
        if bytes > MAX_PARTIAL_BYTES {
            return Err(AuditionError::TooManyGroups { limit: MAX_PARTIAL_BYTES >> 20 }.into());
        }
    }
    Ok(Chosen { outcome, options, audition })
}

const fn is_too_fine(error: &ChooseError) -> bool {
    matches!(
        error,
        ChooseError::Quantise(QuantiseError::TooFine { .. })
            | ChooseError::Audition(
                AuditionError::TooFine
                    | AuditionError::Query(QueryError::TooLarge(_) | QueryError::TooFine(_))
            )
    )
}

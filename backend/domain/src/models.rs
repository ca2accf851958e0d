//! Models for sale: what a vendor may offer, and what a client may ask of one.

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::{
        ListingState,
        models::{ModelListing, Predict, PredictionQuota, ServedForm},
    },
    digest::Digest,
    ids::{AccountId, ModelId, PredictionId},
    money::{Amount, Currency},
};

use crate::pricing::BasisPoints;

/// Seconds of a day; quotas are counted by days of UTC.
const DAY: i64 = 86_400;
/// The most samples of one request that a vendor may allow.
pub const MAX_SAMPLES: u32 = 1 << 20;

/// Why a model is not offered, or does not predict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A quota that allows nothing, or more than a request holds.
    #[error("quota: samples_per_request must be 1 to {MAX_SAMPLES} and not above samples_per_day")]
    Quota,
    /// The model was withdrawn.
    #[error("model {0} was withdrawn")]
    Withdrawn(ModelId),
    /// The model is not served in this form.
    #[error("model {model} has no form {form}: fetch its listing again and encrypt by a form that it has")]
    Form {
        /// The model.
        model: ModelId,
        /// What was asked for.
        form: Digest,
    },
    /// There are no samples, or more than one request may have.
    #[error("{samples} samples: a request in this form has 1 to {limit}")]
    Samples {
        /// Asked for.
        samples: u32,
        /// The most.
        limit: u32,
    },
    /// The price is another one than the client accepts.
    #[error("{samples} samples cost {price}, and {accepted} was accepted: fetch the listing again")]
    Price {
        /// Asked for.
        samples: u32,
        /// The price.
        price: Amount,
        /// What the client accepts.
        accepted: Amount,
    },
    /// The client has asked as much as the vendor allows.
    #[error(
        "{used} of the {limit} samples that the vendor of this model allows a client a day are used, and \
         {samples} more were asked for: ask for fewer, or again in {retry_after_s} seconds"
    )]
    Exhausted {
        /// Used today.
        used: u64,
        /// The most a day.
        limit: u64,
        /// Asked for.
        samples: u32,
        /// Seconds until the next day begins.
        retry_after_s: u64,
    },
}

/// Predictions before they are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    /// Its id.
    pub id: PredictionId,
    /// Of which model.
    pub model: ModelId,
    /// Who pays.
    pub client: AccountId,
    /// Who is paid.
    pub vendor: AccountId,
    /// How many rows.
    pub samples: u32,
    /// What they cost.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// The platform's share.
    pub fee: BasisPoints,
}

/// Checks what a vendor allows.
///
/// # Errors
/// When it allows nothing, or too much.
pub fn check_quota(quota: &PredictionQuota) -> Result<(), ModelError> {
    let request = quota.samples_per_request;
    let sound = (1..=MAX_SAMPLES).contains(&request) && u64::from(request) <= quota.samples_per_day;
    if sound { Ok(()) } else { Err(ModelError::Quota) }
}

/// Checks a request against the model as it is offered, and returns the form it is in.
///
/// # Errors
/// When the model was withdrawn, has no such form, or number of samples or price do not fit.
pub fn admit<'a, R>(listing: &'a ModelListing<R>, request: &Predict) -> Result<&'a ServedForm, ModelError> {
    if listing.state == ListingState::Withdrawn {
        return Err(ModelError::Withdrawn(listing.id));
    }
    let missing = ModelError::Form { model: listing.id, form: request.form };
    let form = listing.forms.iter().find(|form| form.digest == request.form).ok_or(missing)?;
    let (samples, limit) = (request.samples, form.rows.min(listing.quota.samples_per_request));
    if samples == 0 || samples > limit {
        return Err(ModelError::Samples { samples, limit });
    }
    let price = listing.price_of(samples).map_err(|_| ModelError::Samples { samples, limit })?;
    if price != request.price {
        return Err(ModelError::Price { samples, price, accepted: request.price });
    }
    Ok(form)
}

/// The number of the day of an instant; quotas begin anew with each.
pub fn day(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(DAY)
}

/// The error of a client who has used `used` samples on the day of `at`.
pub fn exhausted(quota: &PredictionQuota, used: u64, samples: u32, at: DateTime<Utc>) -> ModelError {
    let left = (day(at) + 1) * DAY - at.timestamp();
    let retry_after_s = u64::try_from(left).unwrap_or(1).max(1);
    ModelError::Exhausted { used, limit: quota.samples_per_day, samples, retry_after_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_allow_something_and_begin_anew_at_midnight() {
        let quota = |samples_per_request, samples_per_day| {
            check_quota(&PredictionQuota { samples_per_request, samples_per_day })
        };
        assert_eq!(quota(1, 1), Ok(()));
        for (request, day) in [(0, 5), (6, 5), (MAX_SAMPLES + 1, u64::MAX)] {
            assert_eq!(quota(request, day), Err(ModelError::Quota));
        }
        let at = DateTime::from_timestamp(86_400 * 20_000 - 1, 0).expect("in range");
        assert_eq!((day(at), day(at + chrono::TimeDelta::seconds(1))), (19_999, 20_000));
        let quota = PredictionQuota::default();
        assert!(matches!(exhausted(&quota, 7, 1, at), ModelError::Exhausted { retry_after_s: 1, .. }));
    }
}

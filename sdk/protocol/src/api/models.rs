//! Wire types of models for sale and of predictions.
//!
//! A model itself and the way its scores are read are types of the model crate, so the types here that
//! carry them leave them open: `M` is the model in integers, `R` how scores become a prediction.
//! Whoever only passes them on keeps them as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ListingState;
use crate::{
    digest::Digest,
    ids::{AccountId, ModelId, PredictionId},
    money::{Amount, Currency, MoneyError},
    parameters::ParameterSet,
    predict::{InputEncoding, InputForm, Packing},
    receipt::PredictionReceipt,
    schema::Schema,
    signature::Signed,
};

/// Offers a model. Repeated with the same content it returns the same listing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishModel<M> {
    /// For people.
    pub title: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// The columns of a row, public.
    pub schema: Schema,
    /// What clients encrypt, and so what they learn of the model.
    pub encoding: InputEncoding,
    /// Which ways of packing rows are offered.
    pub serving: Serving,
    /// Price of one sample.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// What slows the copying of the model by asking it.
    pub quota: PredictionQuota,
    /// The model in integers over the schema. Only the platform sees it.
    pub model: M,
}

/// Which ways of packing rows a vendor offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serving {
    /// Many rows a request.
    #[default]
    Batch,
    /// Few rows a request, with few ciphertexts: one where the model is of trees.
    Single,
    /// Both, as the client likes.
    Both,
}

/// How much one client may ask. Days are those of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionQuota {
    /// The most samples of one request.
    pub samples_per_request: u32,
    /// The most samples of one client on one day.
    pub samples_per_day: u64,
}

impl Default for PredictionQuota {
    fn default() -> Self {
        Self { samples_per_request: 4_096, samples_per_day: 10_000 }
    }
}

/// What is evaluated, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Sums over columns: regressions, linear classifiers, scorecards, naive Bayes, k-means.
    Sums,
    /// A tree, a forest, boosted trees.
    Trees,
    /// A network with a hidden layer.
    Network,
}

/// A model for sale: all that clients see of it. It holds no weight, threshold or leaf.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelListing<R = serde_json::Value> {
    /// Its id.
    pub id: ModelId,
    /// Who sells it.
    pub vendor: AccountId,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// Whether it predicts.
    pub state: ListingState,
    /// What is evaluated.
    pub kind: ModelKind,
    /// Digest of the model in integers, which receipts name.
    pub model: Digest,
    /// The columns of a row.
    pub schema: Schema,
    /// What clients encrypt.
    pub encoding: InputEncoding,
    /// The ways of packing rows that are offered; at least one.
    pub forms: Vec<ServedForm>,
    /// How scores become a prediction.
    pub reading: R,
    /// Price of one sample.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// How much one client may ask.
    pub quota: PredictionQuota,
    /// When it was published.
    pub created_at: DateTime<Utc>,
}

/// A way of packing rows, and what a request with it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedForm {
    /// Digest of the form, which requests name.
    pub digest: Digest,
    /// Digest of the program, which receipts name.
    pub program: Digest,
    /// What is encrypted and how the answer is read.
    pub form: InputForm,
    /// Rows that one request holds.
    pub rows: u32,
    /// Bytes of the keys that a client registers, once for the parameter set.
    pub key_bytes: u64,
    /// Bytes of the encrypted inputs of one row; a batch has this size whatever it holds.
    pub input_bytes: u64,
    /// Bytes of the encrypted inputs of a request with all the rows it may have.
    pub most_input_bytes: u64,
    /// What a client learns of the model from the form.
    pub reveals: String,
}

/// A page of models.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelListings<R = serde_json::Value> {
    /// Newest first.
    pub models: Vec<ModelListing<R>>,
}

/// Keys that are registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKeys {
    /// Their object digest.
    pub digest: Digest,
    /// The set they belong to.
    pub parameter_set: ParameterSet,
    /// How many bytes they have.
    pub bytes: u64,
    /// When they were registered.
    pub created_at: DateTime<Utc>,
}

/// Asks for predictions: the query string of the request, whose body is the encrypted inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// Of which model.
    pub model: ModelId,
    /// Digest of the form of the inputs.
    pub form: Digest,
    /// Digest of the registered keys.
    pub keys: Digest,
    /// How many rows are in the inputs. Each is paid for.
    pub samples: u32,
    /// The price that the client accepts, in minor units: [`ModelListing::price_of`].
    pub price: Amount,
}

/// Predictions that were made and paid. The encrypted scores are the prediction's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// Its id.
    pub id: PredictionId,
    /// What it cost.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Signed by the platform.
    pub receipt: Signed<PredictionReceipt>,
}

impl<R> ModelListing<R> {
    /// The exact price of so many samples.
    ///
    /// # Errors
    /// When it is too large.
    pub fn price_of(&self, samples: u32) -> Result<Amount, MoneyError> {
        self.price.times(u64::from(samples))
    }
}

/// What a form tells clients about the model it is of.
pub fn reveals(form: &InputForm, encoding: InputEncoding) -> String {
    let (of, inputs) = match &form.packing {
        Packing::Trees { trees } => {
            let plural = if trees.len() == 1 { "" } else { "s" };
            return format!("{} tree{plural} with the test of every node, but no leaf", trees.len());
        }
        Packing::Network { inputs, units, .. } => {
            let sums = if *units == 1 { "a sum is".to_owned() } else { format!("{units} sums are") };
            (format!("that {sums} looked up in a table, and "), inputs)
        }
        Packing::Batch { inputs } | Packing::Rows { inputs } => (String::new(), inputs),
    };
    match encoding {
        InputEncoding::Edges => {
            format!("{of}nothing but the schema, the number of scores, and whether measures enter squared")
        }
        InputEncoding::Tests => format!(
            "{of}the {} distinct tests that the model makes, but not where, nor any number it adds up",
            inputs.len()
        ),
    }
}

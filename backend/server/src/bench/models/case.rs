//! What is told of a case, as a line of JSON or of a table.

use serde::Serialize;
use sordino_protocol::parameters::ParameterSet;

/// One case.
#[derive(Debug, Serialize)]
pub(super) struct Case {
    pub(super) case: String,
    /// Whether everything that was decrypted is what the model, or the trainer, has in clear.
    pub(super) exact: bool,
    /// Seconds of the platform's evaluation, with keys and ciphertexts at hand.
    pub(super) evaluate_s: f64,
    /// Rows.
    pub(super) samples: usize,
    /// `rollup`, `scan` or `score` of a table, or how the rows of a prediction are packed.
    pub(super) layout: String,
    /// The sets that ciphertexts were in.
    pub(super) parameter_set: String,
    pub(super) threads: usize,
    /// Seconds that it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) goal_s: Option<f64>,
    #[serde(flatten)]
    pub(super) details: Details,
}

/// What is told of one kind of case.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Details {
    Audition(Audition),
    Prediction(Prediction),
    Training(Training),
}

/// An audition.
#[derive(Debug, Serialize)]
pub(super) struct Audition {
    /// Products of ciphertexts in every chunk.
    pub(super) multiplications: u64,
    /// The released accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accuracy: Option<f64>,
    /// Bounds of the released area under the ROC curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auc: Option<[f64; 2]>,
    /// The released coefficient of determination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r2: Option<f64>,
    /// Share of rows for which the model in floating point predicts the same class as its integers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) equal_classes: Option<f64>,
    /// Largest difference of a score, over all rows, between both; and the bound that the preflight
    /// states, which covers rounding and buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score_difference: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stated_difference: Option<f64>,
}

/// A prediction.
#[derive(Debug, Serialize)]
pub(super) struct Prediction {
    pub(super) encrypt_s: f64,
    pub(super) decrypt_s: f64,
    /// Bytes of the encrypted rows, of what a client registers once, and of the encrypted scores.
    pub(super) request_bytes: usize,
    pub(super) registration_bytes: usize,
    pub(super) answer_bytes: usize,
    /// On the rows for testing: of the integers, and of the model as its library has it.
    pub(super) accuracy: f64,
    pub(super) library_accuracy: f64,
}

/// A training run.
#[derive(Debug, Serialize)]
pub(super) struct Training {
    pub(super) rounds: u32,
    pub(super) queries: u32,
    /// Of the trained model, on the rows of training, and of scikit-learn's on the same.
    #[serde(flatten)]
    pub(super) quality: super::training::Quality,
    #[serde(rename = "scikit_learn")]
    pub(super) expected: super::training::Quality,
}

/// All sets in a text.
pub(super) fn sets<'a>(sets: impl IntoIterator<Item = &'a ParameterSet>) -> String {
    sets.into_iter().map(ToString::to_string).collect::<Vec<_>>().join("+")
}

/// Prints cases.
pub(super) struct Printer {
    json: bool,
    begun: std::time::Instant,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        if !json {
            println!(
                "{:<48} {:>6} {:>9} {:>7} {:>8} {:<12} what",
                "case", "exact", "seconds", "goal", "samples", "layout"
            );
        }
        Self { json, begun: std::time::Instant::now() }
    }

    pub(super) fn print(&mut self, case: &Case) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(case)?);
            return Ok(());
        }
        let goal = case.goal_s.map_or(String::new(), |goal| format!("{goal}"));
        println!(
            "{:<48} {:>6} {:>9.4} {goal:>7} {:>8} {:<12} {}, {}",
            case.case,
            case.exact,
            case.evaluate_s,
            case.samples,
            case.layout,
            case.parameter_set,
            case.details.words()
        );
        Ok(())
    }

    pub(super) fn finish(&self) {
        let peak = super::super::data::peak_rss_mib()
            .map_or(String::new(), |mib| format!(", peak memory {mib} MiB"));
        if !self.json {
            println!("{:.0} s in all{peak}", self.begun.elapsed().as_secs_f64());
        }
    }
}

impl Details {
    fn words(&self) -> String {
        let number = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:.4}"));
        let words: Vec<Option<String>> = match self {
            Self::Audition(found) => vec![
                Some(format!("{} products a chunk", found.multiplications)),
                number("accuracy", found.accuracy),
                found.auc.map(|[low, high]| format!("AUC {low:.4} to {high:.4}")),
                number("R2", found.r2),
                number("same class as in floating point", found.equal_classes),
            ],
            Self::Prediction(found) => vec![Some(format!(
                "encrypt {:.4} s, decrypt {:.4} s, {} B sent, {} B received, {} B registered, accuracy {:.4} (library {:.4})",
                found.encrypt_s,
                found.decrypt_s,
                found.request_bytes,
                found.answer_bytes,
                found.registration_bytes,
                found.accuracy,
                found.library_accuracy
            ))],
            Self::Training(found) => vec![
                Some(format!("{} rounds, {} queries", found.rounds, found.queries)),
                Some(format!("{}; scikit-learn's {}", found.quality, found.expected)),
            ],
        };
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

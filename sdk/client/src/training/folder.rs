//! What a run keeps on disk. Offers are written before they are accepted, and answers as soon as they are
//! open, so a run that was cut off anywhere goes on without paying twice.
//!
//! | file | what |
//! |---|---|
//! | `run.json` | which listing, which rows, what is fitted: a folder is of one run |
//! | `round-001/query-01.offer.json` | the signed quote that was accepted |
//! | `round-001/query-01.answer.json` | what was released |
//! | `round-001/query-01.receipt.json` | its receipt |
//! | `model.json` | the fitted model, for `sordino_export.load` |

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sordino_model::train::{Task, Trained};
use sordino_protocol::{
    answer::Answer,
    api::Offer,
    digest::Digest,
    ids::{AccountId, ListingId},
    predicate::Predicate,
    receipt::FullReceipt,
};

use super::{Run, TrainingError};
use crate::{
    ClientError,
    profile::{make_folder, write_atomically},
};

/// What a folder is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    format: Format,
    account: AccountId,
    listing: ListingId,
    dataset: Digest,
    rows: Predicate,
    /// Decides how statistics are packed into queries.
    max_sums: u64,
    task: Task,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "sordino-training/1")]
    V1,
}

/// The place of a query in a run, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) round: usize,
    pub(super) query: usize,
}

/// The folder of a run; held by one process at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Opens the folder of a run, or makes it.
    ///
    /// # Errors
    /// When it is of another run, in use, or cannot be written.
    pub fn open(path: &Path, run: &Run, account: AccountId) -> Result<Self, ClientError> {
        make_folder(path)?;
        let lock_path = path.join("run.lock");
        let lock = File::create(&lock_path).map_err(ClientError::file(&lock_path))?;
        let other = |other: &str| {
            ClientError::from(TrainingError::OtherRun {
                folder: path.display().to_string(),
                other: other.to_owned(),
            })
        };
        lock.try_lock().map_err(|_| other("a run that is under way"))?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        let identity = Identity {
            format: Format::V1,
            account,
            listing: run.listing.id,
            dataset: run.listing.dataset,
            rows: run.source.rows.clone(),
            max_sums: run.source.max_sums,
            task: run.task.clone(),
        };
        match folder.read::<Identity>("run.json")? {
            Some(found) if found == identity => {}
            // Nothing was bought: it may become a folder of any run.
            Some(_) if !path.join("round-001").exists() => folder.write("run.json", &identity)?,
            Some(found) if found.account != account => return Err(other("a run of another account")),
            Some(found) if found.listing != identity.listing => {
                return Err(other("a run on another listing"));
            }
            Some(found) if found.dataset != identity.dataset => {
                return Err(other("a run on an earlier version of the listing's table"));
            }
            Some(found) if Identity { max_sums: identity.max_sums, ..found.clone() } == identity => {
                return Err(other("a run whose statistics the platform took in queries of another size"));
            }
            Some(_) => return Err(other("a run of another model or over other rows")),
            None => folder.write("run.json", &identity)?,
        }
        Ok(folder)
    }

    /// Where the fitted model is.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.json")
    }

    pub(super) fn offer(&self, place: Place) -> Result<Option<Offer>, ClientError> {
        self.read(&place.file("offer"))
    }

    pub(super) fn keep_offer(&self, place: Place, offer: &Offer) -> Result<(), ClientError> {
        self.write(&place.file("offer"), offer)
    }

    /// Forgets an offer that nothing will come of.
    pub(super) fn drop_offer(&self, place: Place) -> Result<(), ClientError> {
        let path = self.path.join(place.file("offer"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(ClientError::file(path)(error)),
            _ => Ok(()),
        }
    }

    /// The answer to this query, if it was opened before.
    pub(super) fn answer(&self, place: Place, query: Digest) -> Result<Option<Answer>, ClientError> {
        let answer: Option<Answer> = self.read(&place.file("answer"))?;
        match answer {
            Some(answer) if answer.query != query => Err(ClientError::Damaged {
                path: self.path.join(place.file("answer")),
                reason: "it answers another query than the run asks here: begin the run in a new folder"
                    .to_owned(),
            }),
            answer => Ok(answer),
        }
    }

    pub(super) fn keep_answer(
        &self,
        place: Place,
        answer: &Answer,
        receipt: &FullReceipt,
    ) -> Result<(), ClientError> {
        // An answer is there only with its receipt.
        self.write(&place.file("receipt"), receipt)?;
        self.write(&place.file("answer"), answer)
    }

    /// The receipt of an answered query.
    pub(super) fn receipt(&self, place: Place) -> PathBuf {
        self.path.join(place.file("receipt"))
    }

    pub(super) fn keep_model(&self, trained: &Trained) -> Result<(), ClientError> {
        let bytes = sordino_model::export::sklearn::write(trained).map_err(TrainingError::from)?;
        write_atomically(&self.model(), &bytes, 0o644)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClientError> {
        let path = self.path.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ClientError::file(path)(error)),
        };
        let damaged = |error: serde_json::Error| ClientError::Damaged { path, reason: error.to_string() };
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), ClientError> {
        let path = self.path.join(name);
        let bytes = serde_json::to_vec_pretty(value)
            .map_err(|error| ClientError::Damaged { path: path.clone(), reason: error.to_string() })?;
        write_atomically(&path, &bytes, 0o600)
    }
}

impl Place {
    fn file(self, what: &str) -> String {
        format!("round-{:03}/query-{:02}.{what}.json", self.round + 1, self.query + 1)
    }
}

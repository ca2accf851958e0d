//! Finished objects of a publication, kept until the listing exists. Encryption is randomised, so an
//! interrupted publication can only continue with the very objects it made: a log says which they are.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    canonical::{self, Canonical},
    digest::{Digest, Hasher, Purpose},
    ids::LineageId,
    manifest::ObjectRef,
};
use uuid::Uuid;

use super::{Plan, Request};
use crate::{
    ClientError,
    profile::{Profile, make_folder, write_atomically},
};

/// A part of a dataset version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// A segment of the aggregates.
    Segment(u64),
    /// A chunk of rows.
    Chunk(u64),
    /// The evaluation keys.
    EvaluationKeys,
    /// A chunk of rows for scores of models.
    Score(u64),
    /// The evaluation keys for these.
    ScoreKeys,
    /// Synthetic rows in clear.
    Sandbox,
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Lineage(LineageId),
    Done { part: Part, object: ObjectRef },
}

/// Objects on disk and the log of them.
#[derive(Debug)]
pub(super) struct Spool {
    objects: PathBuf,
    log: PathBuf,
    lineage: LineageId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    done: HashMap<Part, ObjectRef>,
}

impl Spool {
    /// Opens the spool of a publication: a new one, or the one that was interrupted.
    pub(super) fn open(
        profile: &Profile,
        plan: &Plan,
        request: &Request,
        keys: &KeyBundle,
    ) -> Result<Self, ClientError> {
        Self::named(profile, &fingerprint(plan, request, keys)?)
    }

    /// Opens the spool of rows that are appended to the version `before`.
    pub(super) fn open_append(
        profile: &Profile,
        source: &Digest,
        before: &Digest,
        keys: &KeyBundle,
    ) -> Result<Self, ClientError> {
        let mut hasher = Hasher::new(Purpose::Object);
        hasher.update(b"append");
        hasher.update(source.as_bytes());
        hasher.update(before.as_bytes());
        hasher.update(keys.signing.verifying_key().as_bytes());
        Self::named(profile, &hasher.finish())
    }

    fn named(profile: &Profile, name: &Digest) -> Result<Self, ClientError> {
        let objects = profile.object_cache();
        make_folder(&objects)?;
        make_folder(&profile.publish_cache())?;
        Self::open_at(objects, profile.publish_cache().join(format!("{name}.jsonl")))
    }

    fn open_at(objects: PathBuf, log: PathBuf) -> Result<Self, ClientError> {
        let known = read(&log)?;
        let mut file =
            OpenOptions::new().create(true).append(true).open(&log).map_err(ClientError::file(&log))?;
        let (mut lineage, mut done) = (None, HashMap::new());
        for line in known {
            match line {
                Line::Lineage(id) => lineage = Some(id),
                Line::Done { part, object } => {
                    let there = fs::metadata(objects.join(object.digest.to_string()));
                    if there.is_ok_and(|file| file.len() == object.bytes) {
                        done.insert(part, object);
                    }
                }
            }
        }
        let lineage = match lineage {
            Some(lineage) => lineage,
            None => {
                let lineage = LineageId::new(Uuid::now_v7());
                append(&mut file, &log, &Line::Lineage(lineage))?;
                lineage
            }
        };
        Ok(Self { objects, log, lineage, state: Mutex::new(State { file, done }) })
    }

    /// The lineage of the dataset being published.
    pub(super) fn lineage(&self) -> LineageId {
        self.lineage
    }

    /// The object of a part, if it was made before.
    pub(super) fn get(&self, part: Part) -> Option<ObjectRef> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).done.get(&part).copied()
    }

    /// Keeps the object of a part: first the bytes, then the line that says so.
    pub(super) fn put(&self, part: Part, bytes: &[u8]) -> Result<ObjectRef, ClientError> {
        let object = ObjectRef { digest: Digest::of(Purpose::Object, bytes), bytes: bytes.len() as u64 };
        write_atomically(&self.path(&object.digest), bytes, 0o600)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        append(&mut state.file, &self.log, &Line::Done { part, object })?;
        state.done.insert(part, object);
        Ok(object)
    }

    /// Where an object is.
    pub(super) fn path(&self, digest: &Digest) -> PathBuf {
        self.objects.join(digest.to_string())
    }

    /// The listing exists: forgets the log and the bulky chunks that were made here. Aggregates and
    /// evaluation keys stay for the gate, which evaluates again.
    pub(super) fn finish(&self) -> Result<(), ClientError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (part, object) in &state.done {
            if matches!(part, Part::Chunk(_)) {
                remove(&self.path(&object.digest))?;
            }
        }
        remove(&self.log)
    }
}

fn remove(path: &Path) -> Result<(), ClientError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ClientError::File { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// What must be the same for a publication to be continued.
fn fingerprint(plan: &Plan, request: &Request, keys: &KeyBundle) -> Result<Digest, ClientError> {
    let mut hasher = Hasher::new(Purpose::Object);
    hasher.update(plan.source.as_bytes());
    hasher.update(request.schema.digest()?.as_bytes());
    hasher.update(&canonical::to_bytes(&(&plan.rollup, &plan.scan, &plan.score))?);
    hasher.update(keys.signing.verifying_key().as_bytes());
    Ok(hasher.finish())
}

/// The lines of a log; a torn last line is a part that is made again.
fn read(log: &Path) -> Result<Vec<Line>, ClientError> {
    let text = match fs::read_to_string(log) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ClientError::File { path: log.to_owned(), source }),
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn append(file: &mut File, path: &Path, line: &Line) -> Result<(), ClientError> {
    let mut text = serde_json::to_string(line)
        .map_err(|error| ClientError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    // A newline on both sides: what a crash left unfinished before stays a line of its own.
    text.insert(0, '\n');
    text.push('\n');
    file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(ClientError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_publication_finds_what_it_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let open =
            || Spool::open_at(folder.path().to_owned(), folder.path().join("log.jsonl")).expect("opened");
        let first = open();
        let object = first.put(Part::Chunk(0), b"ciphertext").expect("kept");
        let gone = first.put(Part::Segment(1), b"another").expect("kept");
        fs::remove_file(first.path(&gone.digest)).expect("removed");
        let mut log = OpenOptions::new().append(true).open(&first.log).expect("opened");
        log.write_all(b"{\"done\":{\"part\":{\"chu").expect("a torn line");
        let second = open();
        assert_eq!(second.lineage(), first.lineage());
        assert_eq!(second.get(Part::Chunk(0)), Some(object));
        assert_eq!(second.get(Part::Segment(1)), None, "its bytes are gone");
        second.put(Part::EvaluationKeys, b"keys").expect("kept");
        assert!(open().get(Part::EvaluationKeys).is_some(), "a line after a torn one counts");
    }
}

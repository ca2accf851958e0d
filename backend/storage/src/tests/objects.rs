//! Uploads: whole, or not there at all.

use std::{io, path::PathBuf};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sordino_domain::objects::path;
use sordino_protocol::{
    api::Role,
    digest::{Digest, Purpose},
};

use super::{TestDb, on_each, world::*};
use crate::{
    StorageError,
    objects::{Put, Wanted},
};

type Piece = Result<Bytes, io::Error>;

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    bytes.chunks(100_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

/// Files in the store, whatever they are called.
fn files(db: &TestDb) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![db.folder.join("store")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let is_folder = entry.file_type().expect("a type").is_dir();
            if is_folder { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

async fn read(
    db: &TestDb,
    owner: sordino_protocol::ids::AccountId,
    digest: Digest,
    wanted: Wanted,
) -> Vec<u8> {
    let body = db.storage.objects().get(owner, digest, wanted).await.expect("found");
    let parts: Vec<Bytes> = body.stream.try_collect().await.expect("read");
    let bytes = parts.concat();
    assert_eq!(bytes.len() as u64, body.range.end - body.range.start);
    bytes
}

#[test]
fn objects_of_all_sizes_come_back_as_they_were_sent() {
    on_each(|db| async move {
        let objects = db.storage.objects();
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let bob = account(&db.storage, "bob@example.org", Role::Member).await;
        // Nothing, one part, exactly one part, two parts and a rest.
        for length in [0usize, 10, 8 << 20, (17 << 20) + 3] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let digest = Digest::of(Purpose::Object, &bytes);
            assert_eq!(objects.missing(ada.id, &[digest, digest]).await.expect("no error"), [digest]);
            let limit = length as u64;
            let put = objects.put(ada.id, digest, stream::iter(pieces(&bytes)), limit, at(0)).await;
            assert_eq!(put.expect("stored"), Put::Stored, "{length}");
            assert_eq!(objects.missing(ada.id, &[digest]).await.expect("no error"), []);
            assert_eq!(objects.missing(bob.id, &[digest]).await.expect("no error"), [digest]);
            assert_eq!(read(&db, ada.id, digest, Wanted::All).await, bytes);
            assert!(matches!(
                error(objects.get(bob.id, digest, Wanted::All).await),
                StorageError::NotFound { kind: "object", .. }
            ));
            // A second time the body is not even read.
            let unread = stream::poll_fn(|_| -> std::task::Poll<Option<Piece>> { panic!("was read") });
            let put = objects.put(ada.id, digest, unread, limit, at(1)).await;
            assert_eq!(put.expect("there"), Put::AlreadyThere);
            // Another owner has to send it, and then owns it too.
            let put = objects.put(bob.id, digest, stream::iter(pieces(&bytes)), limit, at(1)).await;
            assert_eq!(put.expect("stored"), Put::Stored);
            assert_eq!(read(&db, bob.id, digest, Wanted::All).await, bytes);
        }
    });
}

#[test]
fn parts_of_an_object() {
    on_each(|db| async move {
        let objects = db.storage.objects();
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let digest =
            objects.put_bytes(ada.id, Bytes::from_static(b"0123456789"), at(0)).await.expect("stored");
        let range = |start, end| Wanted::Range { start, end };
        for (wanted, expected) in [
            (range(2, Some(5)), "234"),
            (range(7, None), "789"),
            (range(7, Some(100)), "789"),
            (Wanted::Last(3), "789"),
            (Wanted::Last(100), "0123456789"),
        ] {
            assert_eq!(read(&db, ada.id, digest, wanted).await, expected.as_bytes(), "{wanted:?}");
        }
        for wanted in [range(10, None), range(5, Some(5)), range(6, Some(5)), Wanted::Last(0)] {
            let refused = error(objects.get(ada.id, digest, wanted).await);
            assert!(matches!(refused, StorageError::RangeNotSatisfiable { size: 10 }), "{wanted:?}");
        }
    });
}

#[test]
fn what_fails_leaves_nothing() {
    on_each(|db| async move {
        let objects = db.storage.objects();
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        for length in [1_000usize, 20 << 20] {
            let bytes = vec![7u8; length];
            let (digest, limit) = (Digest::of(Purpose::Object, &bytes), length as u64);
            let other = Digest::from_bytes([1; 32]);
            let wrong = objects.put(ada.id, other, stream::iter(pieces(&bytes)), limit, at(0)).await;
            assert!(matches!(error(wrong), StorageError::DigestMismatch { actual, .. } if actual == digest));
            let large = objects.put(ada.id, digest, stream::iter(pieces(&bytes)), limit - 1, at(0)).await;
            assert!(matches!(error(large), StorageError::TooLarge { .. }));
            let short = stream::iter(pieces(&bytes[..length - 1]));
            let truncated = objects.put(ada.id, digest, short, limit, at(0)).await;
            assert!(matches!(error(truncated), StorageError::DigestMismatch { .. }));
            let broken = stream::iter(pieces(&bytes[..length / 2]))
                .chain(stream::iter([Err(io::Error::other("gone"))]));
            let interrupted = error(objects.put(ada.id, digest, broken, limit, at(0)).await);
            assert!(matches!(&interrupted, StorageError::UploadInterrupted { reason } if reason == "gone"));
            assert!(interrupted.is_retryable());
            assert_eq!(files(&db), Vec::<PathBuf>::new(), "{length}");
            assert_eq!(objects.missing(ada.id, &[digest]).await.expect("no error"), [digest]);
        }
    });
}

#[test]
fn an_upload_that_is_abandoned_leaves_nothing() {
    on_each(|db| async move {
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let digest = Digest::from_bytes([1; 32]);
        let endless = stream::iter(pieces(&vec![7u8; 20 << 20])).chain(stream::pending());
        let objects = db.storage.objects();
        let upload = objects.put(ada.id, digest, endless, u64::MAX, at(0));
        assert!(upload.await_for_a_while().await.is_none());
        // The file is removed by a thread behind.
        for _ in 0..100 {
            if files(&db).is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("left behind: {:?}", files(&db));
    });
}

/// Polls a future until parts were written, then drops it.
trait AwaitForAWhile: Sized {
    async fn await_for_a_while(self) -> Option<()>;
}

impl<F: Future> AwaitForAWhile for F {
    async fn await_for_a_while(self) -> Option<()> {
        tokio::time::timeout(std::time::Duration::from_millis(500), self).await.ok().map(drop)
    }
}

#[test]
fn an_object_that_lost_its_bytes_can_be_sent_again() {
    on_each(|db| async move {
        let objects = db.storage.objects();
        let ada = account(&db.storage, "ada@example.org", Role::Member).await;
        let bytes = Bytes::from_static(b"precious");
        let digest = objects.put_bytes(ada.id, bytes.clone(), at(0)).await.expect("stored");
        let file = db.folder.join("store").join(path(&digest));
        std::fs::write(&file, b"prec").expect("truncated");
        objects.put_bytes(ada.id, bytes.clone(), at(1)).await.expect("stored");
        assert_eq!(std::fs::read(&file).expect("there"), bytes);
        std::fs::remove_file(&file).expect("removed");
        objects.put_bytes(ada.id, bytes.clone(), at(2)).await.expect("stored");
        assert_eq!(read(&db, ada.id, digest, Wanted::All).await, bytes);
    });
}

#[test]
fn a_full_disk_is_told_as_such() {
    let full = io::Error::from(io::ErrorKind::StorageFull);
    let error = object_store::Error::Generic { store: "test", source: Box::new(full) };
    assert!(matches!(StorageError::from(error), StorageError::StorageFull));
    let other = object_store::Error::Generic { store: "test", source: Box::new(io::Error::other("else")) };
    assert!(matches!(StorageError::from(other), StorageError::Object(_)));
}

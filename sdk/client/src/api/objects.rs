//! Objects: which are missing, upload in a stream, download with a limit and a check of the digest.

use std::path::Path;

use bytes::Bytes;
use futures::stream;
use reqwest::Body;
use sordino_protocol::{
    api::ObjectsWanted,
    digest::{Digest, Hasher, Purpose},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Client, request::Call};
use crate::ClientError;

/// Bytes of one piece of a streamed upload.
const PIECE: usize = 256 << 10;
/// Digests of one question, as the contract limits them.
const MAX_DIGESTS: usize = 10_000;

impl Client {
    /// Which of these objects the platform lacks.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn missing_objects(&self, digests: &[Digest]) -> Result<Vec<Digest>, ClientError> {
        let mut missing = Vec::new();
        for part in digests.chunks(MAX_DIGESTS) {
            let body = ObjectsWanted { digests: part.to_vec() };
            let answer: ObjectsWanted =
                self.json(Call::post("/v1/objects/missing").json(&body)?.repeatable()).await?;
            missing.extend(answer.digests);
        }
        Ok(missing)
    }

    /// Uploads a file as an object, in a stream; repeated after a broken connection.
    ///
    /// # Errors
    /// `digest_mismatch`; those of the file, the network and the platform.
    pub async fn put_object(&self, digest: &Digest, path: &Path) -> Result<u64, ClientError> {
        let call = Call::put(format!("/v1/objects/{digest}"));
        let mut attempt = 1;
        loop {
            let file = tokio::fs::File::open(path).await.map_err(ClientError::file(path))?;
            let length = file.metadata().await.map_err(ClientError::file(path))?.len();
            let error = match self.attempt(&call, Some(streamed(file)), Some(length)).await {
                Ok(_) => return Ok(length),
                Err(error) => error,
            };
            let Some(pause) = self.retry.pause(attempt).filter(|_| error.is_retryable()) else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Downloads an object into memory and checks its digest.
    ///
    /// # Errors
    /// When it is larger than `limit` or has another digest; those of the network and the platform.
    pub async fn object(&self, digest: &Digest, limit: u64) -> Result<Bytes, ClientError> {
        let call = Call::get(format!("/v1/objects/{digest}"));
        let response = self.send(&call).await?;
        let bytes = self.collect(&call, response, limit).await?;
        let actual = Digest::of(Purpose::Object, &bytes);
        if actual != *digest {
            return Err(ClientError::ObjectDigest { expected: *digest, actual });
        }
        Ok(bytes.into())
    }

    /// Downloads bytes `from..to` of an object; they cannot be checked against its digest.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn object_range(&self, digest: &Digest, from: u64, to: u64) -> Result<Bytes, ClientError> {
        let call = Call::get(format!("/v1/objects/{digest}")).range(from, to);
        let response = self.send(&call).await?;
        self.collect(&call, response, to.saturating_sub(from)).await.map(Bytes::from)
    }

    /// Downloads an object into a file in a stream and checks its digest. The file appears complete
    /// or not at all.
    ///
    /// # Errors
    /// When it is larger than `limit` or has another digest; those of the file, the network and the
    /// platform.
    pub async fn object_to_file(&self, digest: &Digest, path: &Path, limit: u64) -> Result<(), ClientError> {
        let call = Call::get(format!("/v1/objects/{digest}"));
        let mut response = self.send(&call).await?;
        let partial = path.with_extension("part");
        let mut file = tokio::fs::File::create(&partial).await.map_err(ClientError::file(&partial))?;
        let (mut hasher, mut length) = (Hasher::new(Purpose::Object), 0);
        while let Some(piece) = response.chunk().await.map_err(|error| self.network(&call, &error))? {
            length += piece.len() as u64;
            if length > limit {
                return Err(ClientError::TooLarge { what: format!("object {digest}"), limit });
            }
            hasher.update(&piece);
            file.write_all(&piece).await.map_err(ClientError::file(&partial))?;
        }
        let actual = hasher.finish();
        if actual != *digest {
            return Err(ClientError::ObjectDigest { expected: *digest, actual });
        }
        file.sync_all().await.map_err(ClientError::file(&partial))?;
        tokio::fs::rename(&partial, path).await.map_err(ClientError::file(path))
    }
}

fn streamed(file: tokio::fs::File) -> Body {
    Body::wrap_stream(stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(Bytes::from(piece)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    }))
}

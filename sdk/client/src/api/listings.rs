//! Listings.

use sordino_protocol::{
    api::{Append, Listing, Listings, Publish},
    ids::ListingId,
    manifest::{MAX_SANDBOX_BYTES, Manifest},
    signature::Signed,
};

use super::{Client, request::Call};
use crate::ClientError;

impl Client {
    /// Publishes a dataset version. Repeated with the same manifest it returns the same listing.
    ///
    /// # Errors
    /// `missing_objects`, `bad_manifest`, `bad_signature`; those of the network and the platform.
    pub async fn publish(&self, body: &Publish) -> Result<Listing, ClientError> {
        self.json(Call::post("/v1/listings").json(body)?.repeatable()).await
    }

    /// Appends rows to a listing. Repeated with the same manifest it returns the same listing.
    ///
    /// # Errors
    /// Those of the network and the platform: objects that are missing, a version that does not follow.
    pub async fn append(&self, id: ListingId, body: &Append) -> Result<Listing, ClientError> {
        self.json(Call::post(format!("/v1/listings/{id}/versions")).json(body)?.repeatable()).await
    }

    /// All listings.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn listings(&self) -> Result<Listings, ClientError> {
        self.json(Call::get("/v1/listings")).await
    }

    /// One listing.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn listing(&self, id: ListingId) -> Result<Listing, ClientError> {
        self.json(Call::get(format!("/v1/listings/{id}"))).await
    }

    /// The signed manifest of a listing; check it against the listing's owner key.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn manifest(&self, id: ListingId) -> Result<Signed<Manifest>, ClientError> {
        self.json(Call::get(format!("/v1/listings/{id}/manifest"))).await
    }

    /// The synthetic rows of a listing as CSV; compare their digest with the manifest's.
    ///
    /// # Errors
    /// `not_found` when it has none; those of the network and the platform.
    pub async fn sandbox(&self, id: ListingId) -> Result<Vec<u8>, ClientError> {
        let call = Call::get(format!("/v1/listings/{id}/sandbox"));
        let response = self.send(&call).await?;
        self.collect(&call, response, MAX_SANDBOX_BYTES).await
    }

    /// Ends a listing; paid answers stay available.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn withdraw(&self, id: ListingId) -> Result<Listing, ClientError> {
        self.json(Call::post(format!("/v1/listings/{id}/withdraw")).repeatable()).await
    }
}

//! Models for sale, keys of clients, and predictions.

use bytes::Bytes;
use serde::Serialize;
use sordino_model::quantised::Reading;
use sordino_protocol::{
    api::models::{ClientKeys, ModelListing, ModelListings, Predict, Prediction, PublishModel},
    digest::Digest,
    ids::{ModelId, PredictionId},
    parameters::ParameterSet,
};

use super::{Client, request::Call};
use crate::ClientError;

impl Client {
    /// Offers a model. Repeated with the same content it returns the same listing.
    ///
    /// # Errors
    /// `model_unsupported`; those of the network and the platform.
    pub async fn publish_model<M: Serialize>(
        &self,
        body: &PublishModel<M>,
    ) -> Result<ModelListing<Reading>, ClientError> {
        self.json(Call::post("/v1/models").json(body)?.repeatable()).await
    }

    /// Models that predict.
    ///
    /// # Errors
    /// Those of the network and the platform.
    pub async fn models(&self) -> Result<ModelListings<Reading>, ClientError> {
        self.json(Call::get("/v1/models")).await
    }

    /// One model.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn model(&self, id: ModelId) -> Result<ModelListing<Reading>, ClientError> {
        self.json(Call::get(format!("/v1/models/{id}"))).await
    }

    /// Ends the sale of a model.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn withdraw_model(&self, id: ModelId) -> Result<ModelListing<Reading>, ClientError> {
        self.json(Call::post(format!("/v1/models/{id}/withdraw")).repeatable()).await
    }

    /// Registers the public part of keys for predictions.
    ///
    /// # Errors
    /// `bad_ciphertext`; those of the network and the platform.
    pub async fn register_client_keys(
        &self,
        digest: Digest,
        set: ParameterSet,
        bytes: Bytes,
    ) -> Result<ClientKeys, ClientError> {
        self.json(Call::put(format!("/v1/client-keys/{digest}?set={set}")).bytes(bytes)).await
    }

    /// Has encrypted rows evaluated, and pays. Repeated with the same key and inputs it returns the same
    /// prediction.
    ///
    /// # Errors
    /// `quota_exceeded`, `insufficient_balance`, `conflict` (price, form, withdrawn), `bad_ciphertext`;
    /// those of the network and the platform.
    pub async fn predict(
        &self,
        request: &Predict,
        inputs: Bytes,
        idempotency_key: &str,
    ) -> Result<Prediction, ClientError> {
        let Predict { model, form, keys, samples, price } = request;
        let price = price.as_minor();
        let path =
            format!("/v1/predictions?model={model}&form={form}&keys={keys}&samples={samples}&price={price}");
        self.json(Call::post(path).bytes(inputs).idempotent(idempotency_key)).await
    }

    /// The encrypted scores of a prediction, of at most `limit` bytes.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn prediction_output(&self, id: PredictionId, limit: u64) -> Result<Bytes, ClientError> {
        let call = Call::get(format!("/v1/predictions/{id}/output"));
        let response = self.send(&call).await?;
        self.collect(&call, response, limit).await.map(Bytes::from)
    }

    /// A prediction with its receipt, for who bought or sold it.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn prediction(&self, id: PredictionId) -> Result<Prediction, ClientError> {
        self.json(Call::get(format!("/v1/predictions/{id}/receipt"))).await
    }
}

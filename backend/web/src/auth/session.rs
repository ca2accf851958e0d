//! Session tokens: JWT with HS256 and nothing else; issuer, audience and expiry are always checked.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sordino_protocol::ids::AccountId;

const ISSUER: &str = "sordino";
const AUDIENCE: &str = "sordino v1 session";

/// Issues and checks session tokens.
pub struct Sessions {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    ttl: TimeDelta,
}

/// A token and when it ends.
#[derive(Clone)]
pub struct Token {
    /// The bearer token.
    pub text: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Why a token is not accepted, or could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Not one of ours, or altered.
    #[error("the session token is not valid: sign in again")]
    Invalid,
    /// Its time is over.
    #[error("the session has ended: sign in again")]
    Expired,
    /// The token could not be signed.
    #[error("a session token could not be made: {0}")]
    Sign(jsonwebtoken::errors::Error),
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: AccountId,
    iat: i64,
    exp: i64,
}

impl Sessions {
    /// With this secret; a token lasts for `ttl`.
    pub fn new(secret: &[u8], ttl: TimeDelta) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Checked below, against the clock that is passed in.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            ttl,
        }
    }

    /// A token for an account.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue(&self, account: AccountId, now: DateTime<Utc>) -> Result<Token, SessionError> {
        let expires_at = now + self.ttl;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account,
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
        };
        let text =
            encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(SessionError::Sign)?;
        Ok(Token { text, expires_at })
    }

    /// The account a token speaks for.
    ///
    /// # Errors
    /// When it is not ours or its time is over.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccountId, SessionError> {
        let data =
            decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| SessionError::Invalid)?;
        if data.claims.exp <= now.timestamp() {
            return Err(SessionError::Expired);
        }
        Ok(data.claims.sub)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("in range")
    }

    #[test]
    fn a_token_is_accepted_until_it_ends_and_only_by_its_secret() {
        let account = AccountId::new(Uuid::from_u128(1));
        let sessions = Sessions::new(&[1; 32], TimeDelta::seconds(60));
        let token = sessions.issue(account, at(0)).expect("issued");
        assert_eq!(sessions.verify(&token.text, at(59)).expect("valid"), account);
        assert!(matches!(sessions.verify(&token.text, at(60)), Err(SessionError::Expired)));
        let other = Sessions::new(&[2; 32], TimeDelta::seconds(60));
        assert!(matches!(other.verify(&token.text, at(0)), Err(SessionError::Invalid)));
    }

    #[test]
    fn another_algorithm_audience_or_a_cut_signature_is_refused() {
        let account = AccountId::new(Uuid::from_u128(1));
        let sessions = Sessions::new(&[1; 32], TimeDelta::seconds(60));
        let token = sessions.issue(account, at(0)).expect("issued").text;
        let (head, rest) = token.split_once('.').expect("three parts");
        let (body, _) = rest.split_once('.').expect("three parts");
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        for bad in
            [format!("{none}.{body}."), format!("{head}.{body}."), format!("{head}.{body}"), String::new()]
        {
            assert!(matches!(sessions.verify(&bad, at(0)), Err(SessionError::Invalid)), "{bad}");
        }
        let sign = |algorithm, audience: &str| {
            let claims = Claims {
                iss: ISSUER.to_owned(),
                aud: audience.to_owned(),
                sub: account,
                iat: 0,
                exp: at(60).timestamp(),
            };
            encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(&[1; 32])).expect("signed")
        };
        assert!(sessions.verify(&sign(Algorithm::HS256, AUDIENCE), at(0)).is_ok());
        assert!(sessions.verify(&sign(Algorithm::HS512, AUDIENCE), at(0)).is_err());
        assert!(sessions.verify(&sign(Algorithm::HS256, "another service"), at(0)).is_err());
    }
}

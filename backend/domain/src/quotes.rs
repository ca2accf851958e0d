//! Quotes: until when an offer holds, and that it is accepted once.

use chrono::{DateTime, Utc};
use sordino_protocol::{
    ids::{JobId, QuoteId},
    presentation::Presentation,
    query::Query,
    quote::Quote,
    signature::Signed,
};

/// A quote the platform has made, with what it needs to carry it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQuote {
    /// As signed by the platform.
    pub quote: Signed<Quote>,
    /// What is asked.
    pub query: Query,
    /// How the answer is shown; quotes of before there were any have none.
    pub presentation: Option<Presentation>,
    /// The job that came of it, once accepted.
    pub job: Option<JobId>,
}

/// Why a quote cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// Its time is over.
    #[error("quote {quote} expired at {expired_at}: ask for a new one")]
    Expired {
        /// Which.
        quote: QuoteId,
        /// When.
        expired_at: DateTime<Utc>,
    },
    /// It was accepted before.
    #[error("quote {quote} was accepted before, by job {job}")]
    Used {
        /// Which.
        quote: QuoteId,
        /// What came of it.
        job: JobId,
    },
}

impl StoredQuote {
    /// How the answer is shown: as the SQL asked, or as it is.
    pub fn shown(&self) -> Presentation {
        let plain = || Presentation::plain(self.query.outputs.iter().map(|output| output.name.clone()));
        self.presentation.clone().unwrap_or_else(plain)
    }

    /// Whether it can be accepted now. The instant of expiry itself is too late.
    ///
    /// # Errors
    /// When it was accepted before, or its time is over.
    pub fn acceptable(&self, now: DateTime<Utc>) -> Result<(), QuoteError> {
        let quote = &self.quote.body;
        if let Some(job) = self.job {
            return Err(QuoteError::Used { quote: quote.id, job });
        }
        if now >= quote.expires_at {
            return Err(QuoteError::Expired { quote: quote.id, expired_at: quote.expires_at });
        }
        Ok(())
    }
}

//! Accounts: what an e-mail address and a password must look like.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::{self, Role},
    ids::AccountId,
    signature::VerifyingKey,
};

/// The fewest characters of a password.
pub const MIN_PASSWORD: usize = 10;
/// The most bytes of a password; hashing longer ones would only serve to keep us busy.
pub const MAX_PASSWORD: usize = 1_024;
/// The most bytes of an address, as RFC 5321 has it.
pub const MAX_EMAIL: usize = 254;

/// A normalised e-mail address: trimmed and lower case, so that one person cannot register twice by
/// changing the case. It is not shown by `Debug`, and so stays out of logs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The digest of a password as argon2 writes it; not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub email: Email,
    /// What it may do beyond buying and selling.
    pub role: Role,
    /// Its Ed25519 key, once registered; never replaced.
    pub key: Option<VerifyingKey>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What is wrong with an address or a password. Shows neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The address has a wrong shape.
    #[error("not an e-mail address: expected name@host of at most {MAX_EMAIL} bytes without spaces")]
    Email,
    /// The password is too short.
    #[error("the password has {0} characters: expected at least {MIN_PASSWORD}")]
    PasswordTooShort(usize),
    /// The password is too long.
    #[error("the password has {0} bytes: expected at most {MAX_PASSWORD}")]
    PasswordTooLong(usize),
}

impl Email {
    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let text = text.trim().to_lowercase();
        let (name, host) = text.rsplit_once('@').ok_or(AccountError::Email)?;
        let clean =
            |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
        let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let valid = text.len() <= MAX_EMAIL
            && clean(name)
            && clean(host)
            && name.len() <= 64
            && !name.contains('@')
            && host.split('.').all(label);
        if valid { Ok(Self(text)) } else { Err(AccountError::Email) }
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(redacted)")
    }
}

impl PasswordHash {
    /// Wraps the text a password hash function wrote.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, to be checked against a password or stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// Checks a new password's length; nothing else makes a password better.
///
/// # Errors
/// When it is too short or too long.
pub fn check_password(password: &str) -> Result<(), AccountError> {
    let characters = password.chars().count();
    if characters < MIN_PASSWORD {
        return Err(AccountError::PasswordTooShort(characters));
    }
    if password.len() > MAX_PASSWORD {
        return Err(AccountError::PasswordTooLong(password.len()));
    }
    Ok(())
}

impl From<&Account> for api::Account {
    fn from(account: &Account) -> Self {
        Self { id: account.id, email: account.email.0.clone(), role: account.role, key: account.key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised_and_wrong_ones_refused() {
        let email: Email = "  Ada@Example.ORG ".parse().expect("an address");
        assert_eq!(email.as_str(), "ada@example.org");
        assert!("ada@localhost".parse::<Email>().is_ok());
        for bad in ["", "ada", "@b", "a@", "a b@c.d", "a@b@c", "a@b..c", "a@-b.c", "a@b\n.c"] {
            assert_eq!(bad.parse::<Email>(), Err(AccountError::Email), "{bad:?}");
        }
        assert!(format!("{}@b.c", "a".repeat(65)).parse::<Email>().is_err());
        assert!(!format!("{email:?}").contains("ada"));
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        assert_eq!(check_password("äöüäöüäöü"), Err(AccountError::PasswordTooShort(9)));
        assert_eq!(check_password("äöüäöüäöü."), Ok(()));
        assert_eq!(check_password(&"a".repeat(1_025)), Err(AccountError::PasswordTooLong(1_025)));
    }
}

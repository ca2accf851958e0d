//! One gate per profile: two would each debit epsilon without knowing of the other.

use std::fs::{File, OpenOptions, TryLockError};

use super::GateError;
use crate::{
    ClientError,
    profile::{Profile, make_folder},
};

/// Held while the gate is open; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(profile: &Profile) -> Result<Self, ClientError> {
        make_folder(profile.directory())?;
        let path = profile.directory().join("gate.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(ClientError::file(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(GateError::Running(path).into()),
            Err(TryLockError::Error(source)) => Err(ClientError::File { path, source }),
        }
    }
}

//! Where a run database is, as its errors say it.

use std::path::PathBuf;

use super::{open, permission};
use crate::Error;
use crate::error::{is_busy, is_read_only};

/// The file that SQL is run on, for error messages.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    /// Says what was being done when SQLite refused.
    pub(crate) fn doing(&self, doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| {
            if is_busy(&source) {
                return Error::Busy { path: self.0.clone(), seconds: open::BUSY_TIMEOUT.as_secs() };
            }
            if is_read_only(&source)
                && let Err(error) = permission::to_write(&self.0)
            {
                return error;
            }
            Error::Sql { doing, path: self.0.clone(), source }
        }
    }
}

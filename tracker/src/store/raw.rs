//! Rows read on this thread, as SQLite steps through them.
//!
//! sqlx copies each value and hands each row from thread to thread: 1 microsecond a value. Where a hundred thousand
//! rows become columns, that is most of the time.

use libsqlite3_sys as ffi;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::sqlite::LockedSqliteHandle;
use std::borrow::Cow;
use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;

/// A connection that nobody else uses meanwhile.
pub(super) struct Raw<'a> {
    db: NonNull<ffi::sqlite3>,
    locked: PhantomData<&'a mut LockedSqliteHandle<'a>>,
}

impl<'a> Raw<'a> {
    pub(super) fn of(locked: &'a mut LockedSqliteHandle<'_>) -> Self {
        Self { db: locked.as_raw_handle(), locked: PhantomData }
    }

    pub(super) fn prepare(&self, sql: &str) -> sqlx::Result<Statement<'_>> {
        let (db, mut raw) = (self.db, ptr::null_mut());
        let length = c_int::try_from(sql.len()).unwrap_or(c_int::MAX);
        // SAFETY: the connection is open and ours as long as its lock is held; `sql` has `length` bytes.
        let code =
            unsafe { ffi::sqlite3_prepare_v2(db.as_ptr(), sql.as_ptr().cast(), length, &mut raw, ptr::null_mut()) };
        match NonNull::new(raw) {
            Some(raw) if code == ffi::SQLITE_OK => Ok(Statement { db, raw, connection: PhantomData }),
            _ => Err(said(db, code)),
        }
    }
}

/// A statement that reads, with one parameter at most. It may be run again with another one.
pub(super) struct Statement<'a> {
    db: NonNull<ffi::sqlite3>,
    raw: NonNull<ffi::sqlite3_stmt>,
    connection: PhantomData<&'a ()>,
}

impl Statement<'_> {
    pub(super) fn with_text(&mut self, text: &str) -> sqlx::Result<&mut Self> {
        let (bytes, length) = (text.as_ptr().cast(), text.len() as u64);
        let encoding = ffi::SQLITE_UTF8 as u8;
        // SAFETY: the statement is not finalized before it is dropped; SQLite copies the text before it returns.
        let code = unsafe {
            ffi::sqlite3_reset(self.raw.as_ptr());
            ffi::sqlite3_bind_text64(self.raw.as_ptr(), 1, bytes, length, ffi::SQLITE_TRANSIENT(), encoding)
        };
        if code == ffi::SQLITE_OK { Ok(self) } else { Err(said(self.db, code)) }
    }

    pub(super) fn with_int(&mut self, int: i64) -> sqlx::Result<&mut Self> {
        // SAFETY: as in `with_text`.
        let code = unsafe {
            ffi::sqlite3_reset(self.raw.as_ptr());
            ffi::sqlite3_bind_int64(self.raw.as_ptr(), 1, int)
        };
        if code == ffi::SQLITE_OK { Ok(self) } else { Err(said(self.db, code)) }
    }

    /// The next row, until there is none.
    pub(super) fn next(&mut self) -> sqlx::Result<Option<Row<'_>>> {
        // SAFETY: as in `with_text`.
        match unsafe { ffi::sqlite3_step(self.raw.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(Some(Row { raw: self.raw, row: PhantomData })),
            ffi::SQLITE_DONE => Ok(None),
            code => Err(said(self.db, code)),
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: it was prepared, and is finalized here alone. What it answers was answered by the last step.
        unsafe { ffi::sqlite3_finalize(self.raw.as_ptr()) };
    }
}

/// What a statement stands on; its values are read in place.
pub(super) struct Row<'a> {
    raw: NonNull<ffi::sqlite3_stmt>,
    row: PhantomData<&'a mut ()>,
}

impl Row<'_> {
    pub(super) fn int(&self, column: c_int) -> i64 {
        // SAFETY: the statement stands on a row; a column that there is not reads as 0.
        unsafe { ffi::sqlite3_column_int64(self.raw.as_ptr(), column) }
    }

    pub(super) fn maybe_int(&self, column: c_int) -> Option<i64> {
        (!self.is_null(column)).then(|| self.int(column))
    }

    pub(super) fn float(&self, column: c_int) -> Option<f64> {
        // SAFETY: as in `int`.
        (!self.is_null(column)).then(|| unsafe { ffi::sqlite3_column_double(self.raw.as_ptr(), column) })
    }

    /// # Errors
    /// When it is not UTF-8, which SQLite does not forbid.
    pub(super) fn text(&self, column: c_int) -> sqlx::Result<&str> {
        std::str::from_utf8(self.blob(column)).map_err(|source| sqlx::Error::Decode(source.into()))
    }

    /// # Errors
    /// As [`Row::text`].
    pub(super) fn maybe_text(&self, column: c_int) -> sqlx::Result<Option<&str>> {
        if self.is_null(column) { Ok(None) } else { self.text(column).map(Some) }
    }

    /// The bytes of a text or blob.
    pub(super) fn blob(&self, column: c_int) -> &[u8] {
        // SAFETY: as in `int`. SQLite keeps the bytes until the next step, which needs the statement that this row
        // borrows. The length is asked for after the bytes, as SQLite wants it.
        unsafe {
            let bytes = ffi::sqlite3_column_blob(self.raw.as_ptr(), column).cast::<u8>();
            let length = ffi::sqlite3_column_bytes(self.raw.as_ptr(), column);
            match (NonNull::new(bytes.cast_mut()), usize::try_from(length)) {
                (Some(bytes), Ok(length)) => slice::from_raw_parts(bytes.as_ptr(), length),
                _ => &[],
            }
        }
    }

    fn is_null(&self, column: c_int) -> bool {
        // SAFETY: as in `int`.
        unsafe { ffi::sqlite3_column_type(self.raw.as_ptr(), column) == ffi::SQLITE_NULL }
    }
}

/// What SQLite says of the last call.
fn said(db: NonNull<ffi::sqlite3>, code: c_int) -> sqlx::Error {
    // SAFETY: the connection is open; SQLite gives a text that ends with NUL and lives until the next call.
    let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(db.as_ptr())) }.to_string_lossy().into_owned();
    sqlx::Error::Database(Box::new(Refusal { code, message }))
}

/// As sqlx's own, which nobody else can make.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
struct Refusal {
    code: c_int,
    message: String,
}

impl DatabaseError for Refusal {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

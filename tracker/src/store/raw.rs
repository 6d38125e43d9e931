//! Statements that run on this thread, as SQLite steps through them.
//!
//! sqlx hands each statement to a thread of its own and each row back, and copies each value: 1 microsecond a value,
//! and 0.35 ms a statement where the processors were idle. Where a hundred thousand rows become columns, or a run
//! begins, that is most of the time.

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
    locked: PhantomData<&'a mut ()>,
}

/// What stands for a parameter.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Null,
    Int(i64),
    /// NaN is stored as NULL.
    Float(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> Raw<'a> {
    pub(super) fn of(locked: &'a mut LockedSqliteHandle<'_>) -> Self {
        Self { db: locked.as_raw_handle(), locked: PhantomData }
    }

    pub(super) fn prepare(&self, sql: &str) -> sqlx::Result<Statement<'a>> {
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

/// A statement, which may be run again with other values.
pub(super) struct Statement<'a> {
    db: NonNull<ffi::sqlite3>,
    raw: NonNull<ffi::sqlite3_stmt>,
    connection: PhantomData<&'a ()>,
}

impl Statement<'_> {
    /// Begins anew with a value for each parameter, in their order.
    pub(super) fn with(&mut self, values: &[Value<'_>]) -> sqlx::Result<&mut Self> {
        // SAFETY: the statement is not finalized before it is dropped.
        unsafe { ffi::sqlite3_reset(self.raw.as_ptr()) };
        for (at, value) in (1..).zip(values) {
            let code = self.bind(at, *value);
            if code != ffi::SQLITE_OK {
                return Err(said(self.db, code));
            }
        }
        Ok(self)
    }

    fn bind(&self, at: c_int, value: Value<'_>) -> c_int {
        let raw = self.raw.as_ptr();
        // SAFETY: as in `with`; SQLite copies texts and bytes, of which there are as many as it is told, before it
        // returns. An empty blob has an address too, else it would be NULL.
        unsafe {
            match value {
                Value::Null => ffi::sqlite3_bind_null(raw, at),
                Value::Int(int) => ffi::sqlite3_bind_int64(raw, at, int),
                Value::Float(float) => ffi::sqlite3_bind_double(raw, at, float),
                Value::Text(text) => {
                    let (bytes, length, encoding) = (text.as_ptr().cast(), text.len() as u64, ffi::SQLITE_UTF8 as u8);
                    ffi::sqlite3_bind_text64(raw, at, bytes, length, ffi::SQLITE_TRANSIENT(), encoding)
                }
                Value::Blob(bytes) => {
                    let (first, length) = (bytes.as_ptr().cast(), bytes.len() as u64);
                    ffi::sqlite3_bind_blob64(raw, at, first, length, ffi::SQLITE_TRANSIENT())
                }
            }
        }
    }

    /// Runs it to its end.
    pub(super) fn run(&mut self) -> sqlx::Result<()> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// The next row, until there is none.
    pub(super) fn next(&mut self) -> sqlx::Result<Option<Row<'_>>> {
        // SAFETY: as in `with`.
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

impl From<i64> for Value<'_> {
    fn from(int: i64) -> Self {
        Value::Int(int)
    }
}

impl From<f64> for Value<'_> {
    fn from(float: f64) -> Self {
        Value::Float(float)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Value::Blob(bytes)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
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

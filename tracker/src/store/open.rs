//! Opening a run database: what the file is, whether its schema is ours, and bringing it up to date.

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::cmp::Ordering;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{permission, session};
use crate::error::{is_busy, is_not_a_database, is_refused};
use crate::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// `PRAGMA application_id` of our files; set by the first migration.
const APPLICATION_ID: i64 = i64::from_be_bytes([0, 0, 0, 0, b'a', b's', b's', b'y']);

/// How long one statement waits for another connection's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long opening goes on trying: turning a new file to WAL cannot be waited for by SQLite itself.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);

/// Opens a file to read runs from.
pub(crate) async fn existing(path: &Path) -> Result<SqliteConnection> {
    match found(path, &options(path)).await? {
        // Made a moment ago by a run that is just starting, or by `touch`: there is nothing to read.
        Found::Nothing => Err(Error::Missing { path: path.to_owned() }),
        Found::Current(conn) => Ok(conn),
        Found::Older(conn) => {
            conn.close().await.map_err(|source| unopened(path, source))?;
            patiently(path, async || prepare(path, SqliteSynchronous::Normal).await).await
        }
    }
}

/// Opens a file to copy it; an older schema stays as it is.
pub(crate) async fn as_it_is(path: &Path) -> Result<SqliteConnection> {
    match found(path, &options(path).read_only(true)).await? {
        Found::Nothing => Err(Error::Missing { path: path.to_owned() }),
        Found::Older(conn) | Found::Current(conn) => Ok(conn),
    }
}

/// Opens a file to record runs in, and makes it when there is none.
pub(crate) async fn recording(path: &Path) -> Result<SqliteConnection> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(Error::NoFolder { path: folder.to_owned() });
    }
    permission::to_write(path)?;
    patiently(path, async || {
        let sync = first_sync(path);
        match found(path, &writing(path, sync)).await? {
            Found::Current(conn) => Ok(conn),
            Found::Nothing => prepare(path, sync).await,
            Found::Older(conn) => {
                conn.close().await.map_err(|source| unopened(path, source))?;
                prepare(path, sync).await
            }
        }
    })
    .await
}

/// What is at a path, and a connection to it if it holds runs.
enum Found {
    /// No file, or an empty one.
    Nothing,
    Older(SqliteConnection),
    Current(SqliteConnection),
}

/// Looks at a file, and changes it only when it is ours.
async fn found(path: &Path, wanted: &SqliteConnectOptions) -> Result<Found> {
    if !path.exists() {
        return Ok(Found::Nothing);
    }
    if path.is_dir() {
        return Err(Error::NotADatabase { path: path.to_owned() });
    }
    let failed = |source| unopened(path, source);
    // A connection that may write would fold a log into the file or roll a journal back, and it may be another
    // program's. Where there is neither, the one that looks can stay, which halves the time to open.
    let stays = size_beside(path, "-wal") == 0 && size_beside(path, "-journal") == 0;
    let look = if stays { wanted.clone() } else { wanted.clone().read_only(true) };
    let mut conn = look.connect().await.map_err(failed)?;
    let age = age(path, &mut conn).await?;
    if !stays && age.is_some() {
        let looked = std::mem::replace(&mut conn, wanted.connect().await.map_err(failed)?);
        looked.close().await.map_err(failed)?;
        // A connection that has read cleans the log's files away when it closes.
        sqlx::query("PRAGMA schema_version").execute(&mut conn).await.map_err(failed)?;
    }
    match age {
        Some(Age::Current) => Ok(Found::Current(conn)),
        Some(Age::Older) => Ok(Found::Older(conn)),
        None => conn.close().await.map(|()| Found::Nothing).map_err(failed),
    }
}

/// Of a schema.
enum Age {
    Older,
    Current,
}

/// How old the schema is; `None` when there is none.
async fn age(path: &Path, conn: &mut SqliteConnection) -> Result<Option<Age>> {
    let failed = |source| unopened(path, source);
    // One question where it is ours, which is the case that someone waits for.
    let ours =
        "SELECT application_id, (SELECT max(version) FROM _sqlx_migrations WHERE success) FROM pragma_application_id";
    let (id, found): (i64, Option<i64>) = match sqlx::query_as(ours).fetch_one(&mut *conn).await {
        Err(error) if is_refused(&error) => {
            let any = "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id";
            match sqlx::query_as(any).fetch_one(conn).await.map_err(failed)? {
                (0, Some(0)) => return Ok(None),
                (id, _) => (id, None),
            }
        }
        answer => answer.map_err(failed)?,
    };
    if id != APPLICATION_ID {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    let (found, known) = (found.unwrap_or(0), known_version());
    match found.cmp(&known) {
        Ordering::Greater => Err(Error::Newer { path: path.to_owned(), found, known }),
        Ordering::Equal => Ok(Some(Age::Current)),
        Ordering::Less => Ok(Some(Age::Older)),
    }
}

/// How the first transaction waits for the disk. The header of a write-ahead log that is begun again has to be on
/// the disk before its frames, lest frames of before are taken for new ones. In a log that is new there are none,
/// and two waits are spared when a run starts; [`super::writer::Writer::in_step`] ends it.
fn first_sync(path: &Path) -> SqliteSynchronous {
    if size_beside(path, "-wal") == 0 { SqliteSynchronous::Off } else { SqliteSynchronous::Normal }
}

/// Bytes of the file that SQLite keeps beside a database; 0 when there is none.
fn size_beside(path: &Path, ending: &str) -> u64 {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    std::fs::metadata(Path::new(&beside)).map_or(0, |beside| beside.len())
}

/// Opens for writing and applies what is missing of the schema.
async fn prepare(path: &Path, sync: SqliteSynchronous) -> Result<SqliteConnection> {
    let failed = |source| unopened(path, source);
    let mut conn = writing(path, sync).create_if_missing(true).connect().await.map_err(failed)?;
    // First, since a commit then need not wait for the disk.
    sqlx::query("PRAGMA journal_mode = WAL").execute(&mut conn).await.map_err(failed)?;
    migrate(&mut conn, path).await?;
    Ok(conn)
}

fn writing(path: &Path, sync: SqliteSynchronous) -> SqliteConnectOptions {
    options(path)
        .synchronous(sync)
        // Made by a thread of its own, see `record::checkpoint`.
        .pragma("wal_autocheckpoint", "0")
}

/// Applies all pending migrations or none, with every other process kept out: sqlx itself takes no
/// lock for SQLite, and two notebooks may start on a new file at once.
async fn migrate(conn: &mut SqliteConnection, path: &Path) -> Result<()> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await.map_err(|source| unopened(path, source))?;
    MIGRATIONS.run(&mut *transaction).await.map_err(|source| match source {
        sqlx::migrate::MigrateError::Execute(source) if is_busy(&source) => busy(path),
        source => Error::Migration { path: path.to_owned(), source },
    })?;
    session::move_forward(&mut transaction).await.map_err(|source| unopened(path, source))?;
    transaction.commit().await.map_err(|source| unopened(path, source))
}

fn known_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).foreign_keys(true);
    if permission::is_fixed(path) { options.immutable(true).read_only(true) } else { options }
}

/// Tries again while another process holds the file.
async fn patiently(path: &Path, open: impl AsyncFn() -> Result<SqliteConnection>) -> Result<SqliteConnection> {
    let give_up = Instant::now() + OPEN_PATIENCE;
    loop {
        match open().await {
            Err(Error::Busy { .. }) if Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(Error::Busy { .. }) => return Err(busy(path)),
            done => return done,
        }
    }
}

fn busy(path: &Path) -> Error {
    Error::Busy { path: path.to_owned(), seconds: OPEN_PATIENCE.as_secs() }
}

fn unopened(path: &Path, source: sqlx::Error) -> Error {
    let path = path.to_owned();
    if is_busy(&source) {
        Error::Busy { path, seconds: BUSY_TIMEOUT.as_secs() }
    } else if is_not_a_database(&source) {
        Error::NotADatabase { path }
    } else if let Err(error) = permission::to_write(&path) {
        error
    } else {
        Error::Unopened { path, source }
    }
}

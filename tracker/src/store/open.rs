//! Opening a run database: what the file is, whether its schema is ours, and bringing it up to date.

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::time::{Duration, Instant};

use super::permission;
use crate::error::{is_busy, is_not_a_database};
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
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    match inspect(path).await? {
        // Made a moment ago by a run that is just starting, or by `touch`: there is nothing to read.
        Schema::Empty => Err(Error::Missing { path: path.to_owned() }),
        Schema::Current => {
            let mut conn = options(path).connect().await.map_err(|source| unopened(path, source))?;
            // A connection that has read cleans the log's files away when it closes.
            sqlx::query("PRAGMA schema_version").execute(&mut conn).await.map_err(|source| unopened(path, source))?;
            Ok(conn)
        }
        Schema::Older => patiently(path, async || prepare(path, SqliteSynchronous::Normal).await).await,
    }
}

/// Opens a file to copy it; an older schema stays as it is.
pub(crate) async fn as_it_is(path: &Path) -> Result<SqliteConnection> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    match inspect(path).await? {
        Schema::Empty => Err(Error::Missing { path: path.to_owned() }),
        Schema::Current | Schema::Older => {
            options(path).read_only(true).connect().await.map_err(|source| unopened(path, source))
        }
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
        // Before anything that writes: another program's file must stay as it is.
        match if path.exists() { inspect(path).await? } else { Schema::Empty } {
            Schema::Current => writing(path, sync).connect().await.map_err(|source| unopened(path, source)),
            Schema::Empty | Schema::Older => prepare(path, sync).await,
        }
    })
    .await
}

enum Schema {
    Empty,
    Older,
    Current,
}

/// Looks at a file without changing it.
async fn inspect(path: &Path) -> Result<Schema> {
    let failed = |source| unopened(path, source);
    if path.is_dir() {
        return Err(Error::NotADatabase { path: path.to_owned() });
    }
    let mut conn = options(path).read_only(true).connect().await.map_err(failed)?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut conn).await.map_err(failed)?;
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut conn).await.map_err(failed)?;
    let schema = match (tables, id) {
        (0, 0) => Schema::Empty,
        (_, APPLICATION_ID) => {
            let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&mut conn)
                .await
                .map_err(failed)?;
            let (found, known) = (found.unwrap_or(0), known_version());
            match found.cmp(&known) {
                std::cmp::Ordering::Greater => {
                    return Err(Error::Newer { path: path.to_owned(), found, known });
                }
                std::cmp::Ordering::Equal => Schema::Current,
                std::cmp::Ordering::Less => Schema::Older,
            }
        }
        _ => {
            return Err(Error::Foreign { path: path.to_owned() });
        }
    };
    conn.close().await.map_err(failed)?;
    Ok(schema)
}

/// How the first transaction waits for the disk. The header of a write-ahead log that is begun again has to be on
/// the disk before its frames, lest frames of before are taken for new ones. In a log that is new there are none,
/// and two waits are spared when a run starts; [`in_step`] ends it.
fn first_sync(path: &Path) -> SqliteSynchronous {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let frames = std::fs::metadata(Path::new(&log)).map_or(0, |log| log.len());
    if frames == 0 { SqliteSynchronous::Off } else { SqliteSynchronous::Normal }
}

/// From now on a commit is kept by a power cut once a checkpoint was made, and the file always.
pub(crate) async fn in_step(conn: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query("PRAGMA synchronous = NORMAL").execute(conn).await?;
    Ok(())
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

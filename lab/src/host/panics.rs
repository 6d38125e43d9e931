//! Panics: where they were raised, in the person's terms.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use wire::Ended;

use super::{chain, interrupt, page};

/// Where the lines of a generated file come from.
struct Origin {
    execution_count: u32,
    lines: Vec<u32>,
}

static ORIGINS: Mutex<Option<HashMap<String, Origin>>> = Mutex::new(None);

/// A panic that the hook has seen.
struct Seen {
    message: String,
    place: String,
}

thread_local! {
    static LAST: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Alive as long as the hook is: a person may put another in its place.
static HOOK: Mutex<Weak<()>> = Mutex::new(Weak::new());

/// Remembers which cell a generated file belongs to.
pub(super) fn know(file: &str, execution_count: u32, lines: Vec<u32>) {
    let mut origins = locked(&ORIGINS);
    origins.get_or_insert_default().insert(file.to_owned(), Origin { execution_count, lines });
}

/// Replaces the standard hook: the cell's own panic is reported, not printed; one in a thread is printed.
pub(super) fn install() {
    set(|_, message, place| {
        if !interrupt::is_main() {
            let thread = std::thread::current();
            eprintln!("thread '{}' panicked at {place}:\n{message}", thread.name().unwrap_or("<unnamed>"));
        }
    });
}

/// A cell begins. A hook of the person's that an earlier one has set is kept, and is told of panics as it would be.
pub(super) fn begin() {
    LAST.set(None);
    if locked(&HOOK).upgrade().is_none() {
        let theirs = std::panic::take_hook();
        set(move |info, _, _| theirs(info));
    }
}

fn set(then: impl Fn(&PanicHookInfo<'_>, &str, &str) + Send + Sync + 'static) {
    let alive = Arc::new(());
    *locked(&HOOK) = Arc::downgrade(&alive);
    std::panic::set_hook(Box::new(move |info| {
        let _alive = &alive;
        let (message, place) = (message(info.payload()), place(info));
        then(info, &message, &place);
        if interrupt::is_main() {
            LAST.set(Some(Seen { message, place }));
        }
    }));
}

/// The panic that ended the cell, by what was thrown. Where it was raised is known if the hook has seen the same.
pub(super) fn taken(payload: &(dyn Any + Send)) -> Ended {
    let message = message(payload);
    let seen = LAST.take().filter(|seen| seen.message == message);
    Ended::Panic { message, place: seen.map(|seen| seen.place).unwrap_or_default(), line: page::line() }
}

/// What was thrown, in words.
pub(super) fn message(payload: &(dyn Any + Send)) -> String {
    macro_rules! known {
        ($($kind:ty),*) => {
            $(if let Some(value) = payload.downcast_ref::<$kind>() {
                return format!("a value that is not text was thrown: {value:?}");
            })*
        };
    }
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return (*text).to_owned();
    }
    if let Some(text) = payload.downcast_ref::<String>() {
        return text.clone();
    }
    let errors = payload
        .downcast_ref::<Box<dyn Error + Send + Sync>>()
        .map(|error| &**error as &(dyn Error + 'static))
        .or_else(|| payload.downcast_ref::<Box<dyn Error + Send>>().map(|error| &**error as &(dyn Error + 'static)))
        .or_else(|| payload.downcast_ref::<std::io::Error>().map(|error| error as &(dyn Error + 'static)));
    if let Some(error) = errors {
        return chain::chain(error).join(": ");
    }
    known!(
        i8,
        i16,
        i32,
        i64,
        i128,
        isize,
        u8,
        u16,
        u32,
        u64,
        u128,
        usize,
        f32,
        f64,
        bool,
        char,
        (),
        std::borrow::Cow<'static, str>
    );
    "a value that is not text was thrown".to_owned()
}

fn place(info: &PanicHookInfo<'_>) -> String {
    let Some(at) = info.location() else { return "an unknown place".to_owned() };
    let origins = locked(&ORIGINS);
    if let Some(origin) = origins.as_ref().and_then(|origins| origins.get(at.file())) {
        let line = at.line().checked_sub(1).and_then(|index| origin.lines.get(index as usize)).copied();
        if let Some(line) = line.filter(|line| *line > 0) {
            return format!("cell [{}], line {line}, column {}", origin.execution_count, at.column());
        }
        return format!("cell [{}]", origin.execution_count);
    }
    format!("{}:{}:{}", short(at.file()), at.line(), at.column())
}

/// A library's file from its own folder on: where cargo keeps it is of no interest.
fn short(file: &str) -> &str {
    let after = |mark: &str| file.find(mark).map(|found| &file[found + mark.len()..]);
    if let Some(rest) = after("/registry/src/") {
        return rest.split_once('/').map_or(rest, |(_, file)| file);
    }
    after("/library/").map_or(file, |_| &file[file.find("/library/").map_or(0, |found| found + 1)..])
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

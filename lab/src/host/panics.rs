//! Panics: where they were raised, in the person's terms.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::PanicHookInfo;
use std::sync::Mutex;

use wire::Ended;

use super::page;

/// Where the lines of a generated file come from.
struct Origin {
    execution_count: u32,
    lines: Vec<u32>,
}

static ORIGINS: Mutex<Option<HashMap<String, Origin>>> = Mutex::new(None);

thread_local! {
    static LAST: RefCell<Option<Ended>> = const { RefCell::new(None) };
}

/// Remembers which cell a generated file belongs to.
pub(super) fn know(file: &str, execution_count: u32, lines: Vec<u32>) {
    let mut origins = ORIGINS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    origins.get_or_insert_default().insert(file.to_owned(), Origin { execution_count, lines });
}

/// Replaces the standard hook: the cell's own panic is reported, not printed; one in a thread is printed.
pub(super) fn install() {
    let main = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        let (message, place) = (message(info), place(info));
        if std::thread::current().id() == main {
            LAST.set(Some(Ended::Panic { message, place, line: page::line() }));
        } else {
            let thread = std::thread::current();
            eprintln!("thread '{}' panicked at {place}:\n{message}", thread.name().unwrap_or("<unnamed>"));
        }
    }));
}

/// The panic that ended the cell.
pub(super) fn taken() -> Ended {
    LAST.take().unwrap_or_else(|| Ended::Panic {
        message: "a panic without a message".to_owned(),
        place: String::new(),
        line: page::line(),
    })
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a value that is not text was thrown").to_owned()
}

fn place(info: &PanicHookInfo<'_>) -> String {
    let Some(at) = info.location() else { return "an unknown place".to_owned() };
    let origins = ORIGINS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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

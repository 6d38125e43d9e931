//! The text of a crate that a cell becomes, and where each byte of it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::flags::{FLAGS, OPTIMISED};
use super::frames::Stored;
use super::statics;
use crate::cell::notebook::held::{HASH, Held, Import, Key, Origin, paths};
use crate::cell::notebook::state::{Built, Crate, State};
use crate::cell::source::items::Edit;
use crate::cell::source::names::plain;

/// What a generated line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// An item of an earlier cell is imported.
    Item(String),
    /// An import of an earlier cell.
    Import(String),
    Take(String),
    /// A new variable is stored.
    Put(String),
    /// A value is stored whose name the cell binds anew further on; with its number.
    Earlier(String, u32),
    /// A variable is put away until it is moved on, or taken out again.
    Hold(String),
    /// A guarded closure begins inside another one.
    Cut,
    /// One that the cell borrowed is given back.
    Restore(String),
}

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Run {
        opt: u8,
    },
    /// To make the compiler print the types of the new variables.
    Name,
}

/// A piece of the text that a person wrote.
#[derive(Debug, Clone)]
struct Piece {
    at: usize,
    range: Range<usize>,
    origin: Origin,
}

/// A crate's text and where it comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Generated {
    pub(crate) text: String,
    pieces: Vec<Piece>,
    roles: Vec<(Range<usize>, Role)>,
    /// Earlier items in it.
    pub(crate) carried: Vec<(Key, Range<usize>)>,
    /// Crates of earlier cells that it names.
    pub(crate) externs: BTreeSet<String>,
    /// Whether later cells can use something in it.
    pub(crate) has_items: bool,
    /// Whether a loop or a closure stands anywhere in it.
    pub(crate) repeats: bool,
    /// Whether it is optimised whatever it contains; see `compiler::swap`.
    pub(crate) is_forced: bool,
    /// How it is compiled at first.
    pub(crate) flags: Vec<String>,
    pub(crate) hash: String,
    /// The earlier crate that this is another version of.
    pub(crate) version_of: Option<String>,
    /// The libraries of all crates that it links, however indirectly, by crate.
    pub(crate) files: BTreeMap<String, String>,
    /// Libraries with statics that it uses.
    pub(crate) memory: BTreeSet<String>,
}

impl Generated {
    /// The crate's name.
    pub(crate) fn krate(&self) -> String {
        self.version_of.clone().unwrap_or_else(|| format!("cell_{}", self.hash))
    }

    /// What its file is called, without an extension: the crate, and which version of it.
    pub(crate) fn file(&self) -> String {
        match &self.version_of {
            Some(krate) => format!("{krate}-{}", self.hash),
            None => self.krate(),
        }
    }

    /// A symbol, and of which versions of crates it is: code of one must not stand in for that of another.
    pub(crate) fn versioned(&self, symbol: &str) -> String {
        let own = (self.krate(), self.file());
        let files = self.files.iter().chain([(&own.0, &own.1)]);
        let named = files.filter(|(krate, file)| krate != file && symbol.contains(krate.as_str()));
        named.fold(symbol.to_owned(), |symbol, (_, file)| format!("{symbol}@{file}"))
    }

    /// What the notebook has to know of the crate.
    pub(crate) fn built(&self) -> Built {
        let is =
            Crate { file: self.file(), externs: self.files.keys().cloned().collect(), memory: self.memory.clone() };
        Built { krate: self.krate(), hash: self.hash.clone(), is }
    }

    /// Finds the libraries of what it links.
    pub(crate) fn link(&mut self, state: &State) {
        for krate in &self.externs {
            let Some(linked) = state.crates.get(krate) else { continue };
            self.memory.extend(linked.memory.iter().cloned());
            for krate in linked.externs.iter().chain([krate]) {
                let file = state.crates.get(krate).map_or(krate, |it| &it.file);
                self.files.insert(krate.clone(), file.clone());
            }
        }
    }

    /// The entry's symbol.
    pub(crate) fn symbol(&self) -> String {
        format!("assay_cell_{}", self.hash)
    }

    /// Whether its functions can be replaced while it is loaded. The layout of what `async` makes may depend
    /// on the level of optimisation.
    pub(crate) fn is_replaceable(&self) -> bool {
        (self.has_items || self.repeats || self.is_forced) && !self.text.contains("async")
    }

    /// Where a byte was written by a person.
    pub(crate) fn origin(&self, byte: usize) -> Option<(&Origin, usize)> {
        let piece = self.pieces.iter().rev().find(|piece| piece.at <= byte)?;
        let offset = byte - piece.at;
        (offset <= piece.range.len()).then(|| (&piece.origin, piece.range.start + offset))
    }

    /// What the generated line around `byte` is for.
    pub(crate) fn role(&self, byte: usize) -> Option<&Role> {
        self.roles.iter().find(|(range, _)| range.contains(&byte)).map(|(_, role)| role)
    }

    /// Whether it has guarded closures inside of others.
    pub(crate) fn has_cuts(&self) -> bool {
        self.roles.iter().any(|(_, role)| *role == Role::Cut)
    }

    /// The earlier item that holds a place.
    pub(crate) fn carried_at(&self, origin: &Origin, byte: usize) -> Option<Key> {
        let holds = |(key, range): &&(Key, Range<usize>)| key.0 == origin.cell && range.contains(&byte);
        self.carried.iter().find(holds).map(|(key, _)| *key)
    }

    /// For each line of the text, the line of cell `cell` that it holds; 0 for none.
    pub(crate) fn lines(&self, cell: u32) -> Vec<u32> {
        let mut start = 0;
        let line_of = |line: &str| {
            let at = start;
            start += line.len();
            let piece = self.pieces.iter().find(|piece| {
                piece.at < at + line.len() && piece.at + piece.range.len() > at && piece.origin.cell == cell
            })?;
            let from = piece.range.start + at.saturating_sub(piece.at);
            u32::try_from(line_number(&piece.origin.text, from)).ok()
        };
        self.text.split_inclusive('\n').map(line_of).map(Option::unwrap_or_default).collect()
    }

    pub(crate) fn user(&mut self, origin: &Origin, range: Range<usize>) {
        self.pieces.push(Piece { at: self.text.len(), range: range.clone(), origin: origin.clone() });
        self.text.push_str(&origin.text[range]);
    }

    /// Puts the range on a line of its own, at the column where it was written.
    pub(crate) fn user_line(&mut self, origin: &Origin, range: Range<usize>) {
        self.pad(origin, range.start);
        self.user(origin, range);
        self.text.push('\n');
    }

    /// The same, with what is inserted into it.
    pub(crate) fn edited_line(&mut self, origin: &Origin, range: Range<usize>, edits: &[Edit]) {
        self.pad(origin, range.start);
        self.edited(origin, range, edits);
        self.text.push('\n');
    }

    fn edited(&mut self, origin: &Origin, range: Range<usize>, edits: &[Edit]) {
        let mut from = range.start;
        for (at, with) in edits.iter().filter(|(at, _)| range.start <= at.start && at.end <= range.end) {
            self.user(origin, from..at.start);
            self.text.push_str(with);
            from = at.end;
        }
        self.user(origin, from..range.end);
    }

    fn pad(&mut self, origin: &Origin, at: usize) {
        let line_start = origin.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let column = origin.text[line_start..at].chars().count();
        self.text.extend(std::iter::repeat_n(' ', column));
    }

    pub(crate) fn item(&mut self, held: &Held) {
        let part = &held.part;
        let written = statics::written(held);
        self.memory.extend(held.memory.iter().flatten().map(|memory| memory.file.clone()));
        let around = part.around.as_ref().filter(|_| !written.is_elsewhere);
        if let Some((before, _)) = around {
            self.user(&held.origin, before.clone());
        }
        self.pad(&held.origin, part.range.start);
        self.edited(&held.origin, part.range.clone(), &written.edits);
        if let Some((_, after)) = around {
            self.user(&held.origin, after.clone());
        }
        self.text.push_str(&written.after);
        self.text.push('\n');
    }

    pub(crate) fn import(&mut self, import: &Import) {
        let at = self.text.len();
        let [open, close] = import.leaf.around();
        self.text.push_str(&open);
        self.user(&import.origin, import.leaf.range.clone());
        self.text.push_str(&close);
        self.text.push('\n');
        self.roles.push((at..self.text.len(), Role::Import(import.leaf.text(&import.origin.text))));
    }

    pub(crate) fn line(&mut self, role: Role, line: &str) {
        let at = self.text.len();
        self.text.push_str(line);
        self.text.push('\n');
        self.roles.push((at..self.text.len(), role));
    }

    pub(crate) fn put(&mut self, stored: Stored, how: How) {
        let line = match (how, &stored) {
            (How::Run { .. }, Stored::Last(name)) => format!("::lab::host::put({name:?}, {name});"),
            (How::Run { .. }, Stored::Earlier(name, nth)) => {
                format!("::lab::host::put_earlier({name:?}, {nth}, {name});")
            }
            (How::Name, Stored::Last(name) | Stored::Earlier(name, _)) => format!("::lab::host::name_of(&{name});"),
        };
        let role = match stored {
            Stored::Last(name) => Role::Put(name),
            Stored::Earlier(name, nth) => Role::Earlier(name, nth),
        };
        self.line(role, &line);
    }

    /// Puts a variable away until it is named next.
    pub(crate) fn hold(&mut self, name: &str) {
        self.line(
            Role::Hold(name.to_owned()),
            &format!("let mut {} = ::std::option::Option::Some({name});", held(name)),
        );
    }

    /// Takes out again what was put away.
    pub(crate) fn unhold(&mut self, name: &str, mutable: bool) {
        let mutable = if mutable { "mut " } else { "" };
        let line = format!(
            "let ::std::option::Option::Some({mutable}{name}) = {}.take() else {{ return ::std::result::Result::Ok(()) }};",
            held(name)
        );
        self.line(Role::Hold(name.to_owned()), &line);
    }

    /// Stores what was put away, if it still is.
    pub(crate) fn put_held(&mut self, name: &str) {
        let line = format!(
            "if let ::std::option::Option::Some({name}) = {} {{ ::lab::host::put({name:?}, {name}); }}",
            held(name)
        );
        self.line(Role::Hold(name.to_owned()), &line);
    }

    /// Begins a closure inside another one.
    pub(crate) fn cut(&mut self, inline: bool) {
        self.line(Role::Cut, if inline { "::lab::host::guard_inline(|| {" } else { "::lab::host::guard(|| {" });
    }

    pub(crate) fn take(&mut self, state: &State, name: &str) {
        let Some(variable) = state.variables.get(name) else { return };
        let own = self.version_of.as_deref();
        let externs = paths(&variable.ty).map(|path| path.krate).filter(|krate| Some(*krate) != own);
        self.externs.extend(externs.map(str::to_owned));
        // A crate does not know itself by its name.
        let here = |krate: &str| {
            variable.ty.replace(&format!("::{krate}::"), "crate::").replace(&format!("{krate}::"), "crate::")
        };
        let ty = own.map_or_else(|| variable.ty.clone(), here);
        let mutable = if variable.mutable { "mut " } else { "" };
        self.line(Role::Take(name.to_owned()), &format!("let {mutable}{name}: {ty} = ::lab::host::take({name:?});"));
    }

    /// Names the crate by all that decides what it is compiled to; `libraries` says what it links.
    pub(crate) fn seal(mut self, libraries: &str) -> Self {
        let mut hasher = Sha256::new();
        let versions = self.files.iter().filter(|(krate, file)| krate != file).map(|(_, file)| file.as_str());
        let flags = FLAGS.iter().chain(&OPTIMISED).copied().chain(self.flags.iter().map(String::as_str));
        for part in flags.chain([libraries, self.text.as_str()]).chain(versions) {
            hasher.update(part);
            hasher.update([0]);
        }
        self.hash = hasher.finalize().iter().take(8).fold(String::new(), |mut hash, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
            hash
        });
        self.text = self.text.replace(HASH, &self.hash);
        self
    }
}

/// What a variable is called that is put away.
fn held(name: &str) -> String {
    format!("assay_held_{HASH}_{}", plain(name))
}

/// The line that holds a byte; 1 for the first.
pub(crate) fn line_number(text: &str, byte: usize) -> usize {
    text[..byte.min(text.len())].matches('\n').count() + 1
}

//! The text of a crate that a cell becomes, and where each byte of it comes from.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::flags::FLAGS;
use crate::cell::notebook::held::{Held, Import, Key, Origin, crate_paths};
use crate::cell::notebook::state::State;
use crate::cell::source::items::Edit;

/// Stands for the hash until the text is complete; as long as the hash, and nothing that a person writes.
pub(crate) const HASH: &str = "q7xz0vkw2mjp9ghd";

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
    /// One that the cell was lent is given back.
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
    /// Whether so little code is generated that sharing the work out costs more than it saves.
    pub(crate) is_light: bool,
    pub(crate) hash: String,
}

impl Generated {
    /// The crate's name.
    pub(crate) fn krate(&self) -> String {
        format!("cell_{}", self.hash)
    }

    /// The entry's symbol.
    pub(crate) fn symbol(&self) -> String {
        format!("assay_cell_{}", self.hash)
    }

    /// Whether its functions can be replaced while it is loaded. The layout of what `async` makes may depend
    /// on the level of optimisation.
    pub(crate) fn is_replaceable(&self) -> bool {
        (self.has_items || self.repeats) && !self.text.contains("async")
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
        if let Some((before, _)) = &part.around {
            self.user(&held.origin, before.clone());
        }
        self.pad(&held.origin, part.range.start);
        self.edited(&held.origin, part.range.clone(), &part.edits);
        if let Some((_, after)) = &part.around {
            self.user(&held.origin, after.clone());
        }
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

    pub(crate) fn put(&mut self, name: &str, how: How) {
        match how {
            How::Run { .. } => self.line(Role::Put(name.to_owned()), &format!("::lab::host::put({name:?}, {name});")),
            How::Name => self.line(Role::Put(name.to_owned()), &format!("::lab::host::name_of(&{name});")),
        }
    }

    pub(crate) fn take(&mut self, state: &State, name: &str) {
        let Some(variable) = state.variables.get(name) else { return };
        for (krate, _) in crate_paths(&variable.ty) {
            self.externs.insert(krate.to_owned());
        }
        let (mutable, ty) = (if variable.mutable { "mut " } else { "" }, &variable.ty);
        self.line(Role::Take(name.to_owned()), &format!("let {mutable}{name}: {ty} = ::lab::host::take({name:?});"));
    }

    pub(crate) fn seal(mut self) -> Self {
        let mut hasher = Sha256::new();
        for part in FLAGS.iter().copied().chain([self.text.as_str()]) {
            hasher.update(part);
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

/// The line that holds a byte; 1 for the first.
pub(crate) fn line_number(text: &str, byte: usize) -> usize {
    text[..byte.min(text.len())].matches('\n').count() + 1
}

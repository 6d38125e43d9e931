//! The crate that a cell becomes. Every byte of it that the person wrote is known to have come from there,
//! so that no message has to show anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::compile::FLAGS;
use super::items::ItemKind;
use super::names::mentions;
use super::split::{Part, Split, Tail};
use super::state::{Held, Import, Key, Origin, State, crate_paths};

/// Stands for the hash until the text is complete; as long as the hash, and nothing that a person writes.
const HASH: &str = "q7xz0vkw2mjp9ghd";

/// The type of a last `Ok(..)`: its error would else be open.
macro_rules! tail_type {
    ($value:literal) => {
        concat!("::std::result::Result<", $value, ", ::std::boxed::Box<dyn ::std::error::Error>>")
    };
}

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

/// Which variables a cell is lent, gives back and stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Lent to the closure by reference where possible, and given back after it, whatever happened.
    pub(crate) lent: BTreeSet<String>,
    /// Taken inside the closure, since the cell moves and then assigns to them; given back at its end.
    pub(crate) taken: BTreeSet<String>,
    /// Of both, those that are given back: the others are moved.
    pub(crate) back: BTreeSet<String>,
    /// New ones.
    pub(crate) put: BTreeSet<String>,
    /// Earlier items that no longer compile with what the cell defines, and why.
    pub(crate) broken: BTreeMap<Key, String>,
    /// Earlier imports that lead nowhere now.
    pub(crate) broken_imports: BTreeSet<String>,
    /// What the cell assigns to.
    pub(crate) assigned: BTreeSet<String>,
}

impl Plan {
    /// How much there is that the body is compiled with: variables it is lent, definitions left out.
    pub(crate) fn around_body(&self) -> (usize, usize) {
        (self.lent.len() + self.taken.len(), self.broken.len() + self.broken_imports.len())
    }
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
    carried: Vec<(Key, Range<usize>)>,
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

    fn user(&mut self, origin: &Origin, range: Range<usize>) {
        self.pieces.push(Piece { at: self.text.len(), range: range.clone(), origin: origin.clone() });
        self.text.push_str(&origin.text[range]);
    }

    /// Puts the range on a line of its own, at the column where it was written.
    fn user_line(&mut self, origin: &Origin, range: Range<usize>) {
        self.pad(origin, range.start);
        self.user(origin, range);
        self.text.push('\n');
    }

    fn pad(&mut self, origin: &Origin, at: usize) {
        let line_start = origin.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let column = origin.text[line_start..at].chars().count();
        self.text.extend(std::iter::repeat_n(' ', column));
    }

    fn item(&mut self, held: &Held) {
        let part = &held.part;
        if let Some((before, _)) = &part.around {
            self.user(&held.origin, before.clone());
        }
        self.pad(&held.origin, part.range.start);
        let mut from = part.range.start;
        for (place, with) in &part.edits {
            self.user(&held.origin, from..place.start);
            self.text.push_str(with);
            from = place.end;
        }
        self.user(&held.origin, from..part.range.end);
        if let Some((_, after)) = &part.around {
            self.user(&held.origin, after.clone());
        }
        self.text.push('\n');
    }

    fn import(&mut self, import: &Import) {
        let at = self.text.len();
        let [open, close] = import.leaf.around();
        self.text.push_str(&open);
        self.user(&import.origin, import.leaf.range.clone());
        self.text.push_str(&close);
        self.text.push('\n');
        self.roles.push((at..self.text.len(), Role::Import(import.leaf.text(&import.origin.text))));
    }

    fn line(&mut self, role: Role, line: &str) {
        let at = self.text.len();
        self.text.push_str(line);
        self.text.push('\n');
        self.roles.push((at..self.text.len(), role));
    }

    fn put(&mut self, name: &str, how: How) {
        match how {
            How::Run { .. } => self.line(Role::Put(name.to_owned()), &format!("::lab::host::put({name:?}, {name});")),
            How::Name => self.line(Role::Put(name.to_owned()), &format!("::lab::host::name_of(&{name});")),
        }
    }

    fn take(&mut self, state: &State, name: &str) {
        let Some(variable) = state.variables.get(name) else { return };
        for (krate, _) in crate_paths(&variable.ty) {
            self.externs.insert(krate.to_owned());
        }
        let (mutable, ty) = (if variable.mutable { "mut " } else { "" }, &variable.ty);
        self.line(Role::Take(name.to_owned()), &format!("let {mutable}{name}: {ty} = ::lab::host::take({name:?});"));
    }

    fn seal(mut self) -> Self {
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

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Run {
        opt: u8,
    },
    /// To make the compiler print the types of the new variables.
    Name,
}

/// What a cell is compiled among.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) state: &'a State,
    /// Libraries of added crates.
    pub(crate) extensions: Vec<String>,
}

/// Generates the crate of a cell that parses.
pub(crate) fn generate(
    among: &Surroundings<'_>,
    split: &Split,
    carried: &[Held],
    origin: &Origin,
    plan: &Plan,
    how: How,
) -> Generated {
    let mut out = Generated::default();
    let state = among.state;
    for part in &split.parts {
        if let Part::Attribute { range } = part {
            out.user_line(origin, range.clone());
        }
    }
    for krate in &among.extensions {
        let _ = writeln!(out.text, "extern crate {krate} as _;");
    }
    imports(&mut out, state, split, carried, plan);
    for part in &split.parts {
        match part {
            Part::Use { range, .. } | Part::Macro { range, .. } => out.user_line(origin, range.clone()),
            _ => {}
        }
    }
    for held in carried.iter().filter(|held| !plan.broken.contains_key(&held.key())) {
        out.carried.push((held.key(), held.part.range.clone()));
        out.item(held);
    }
    for part in split.items() {
        out.item(&Held::new(origin, part));
    }
    out.has_items = split.items().next().is_some() || !out.carried.is_empty();
    out.repeats = split.repeats;
    let _ = writeln!(
        out.text,
        "#[unsafe(no_mangle)] pub extern \"C\" fn assay_cell_{HASH}() {{ ::lab::host::enter(assay_body) }}\nfn assay_body() {{"
    );
    for name in &plan.lent {
        out.take(state, name);
    }
    out.text.push_str(if split.awaits {
        "::lab::host::guard(|| ::lab::host::block_on(async {\n"
    } else {
        "::lab::host::guard(|| {\n"
    });
    for name in &plan.taken {
        out.take(state, name);
    }
    body(&mut out, state, split, origin);
    for name in &plan.put {
        out.put(name, how);
    }
    for name in plan.taken.intersection(&plan.back) {
        out.line(Role::Restore(name.clone()), &format!("::lab::host::restore({name:?}, {name});"));
    }
    out.text.push_str(if split.awaits {
        "::std::result::Result::Ok(()) }));\n"
    } else {
        "::std::result::Result::Ok(()) });\n"
    });
    for name in plan.lent.intersection(&plan.back) {
        out.line(Role::Restore(name.clone()), &format!("::lab::host::restore({name:?}, {name});"));
    }
    out.text.push_str("}\n");
    if let How::Run { opt } = how {
        // Part of the hash: the same cell at another level is another library.
        let _ = writeln!(out.text, "// opt: {opt}");
    }
    out.seal()
}

/// Generates a crate around a cell that does not parse, for rustc to say where.
pub(crate) fn unparsed(origin: &Origin) -> Generated {
    let mut out = Generated::default();
    out.text.push_str("use ::lab::prelude::*;\npub fn assay_body() {\n");
    out.user_line(origin, 0..origin.text.len());
    out.text.push_str("}\n");
    out.seal()
}

fn imports(out: &mut Generated, state: &State, split: &Split, carried: &[Held], plan: &Plan) {
    out.text.push_str("use ::lab::prelude::*;\n");
    let mut names = split.names.clone();
    let defined: BTreeSet<&str> =
        split.defined().chain(carried.iter().filter_map(|held| held.part.kind.name())).collect();
    let imports: Vec<_> = state
        .imports
        .iter()
        .filter(|import| !import.binds.as_ref().is_some_and(|name| defined.contains(name.as_str())))
        .filter(|import| !plan.broken_imports.contains(&import.leaf.text(&import.origin.text)))
        .collect();
    for import in &imports {
        names.extend(import.leaf.names.iter().cloned());
    }
    for held in carried {
        names.extend(held.part.names.iter().cloned());
    }
    // A macro may name another.
    loop {
        let before = names.len();
        for (name, (origin, range)) in &state.macros {
            if mentions(&names, name)
                && let Ok(tokens) = origin.text[range.clone()].parse()
            {
                super::names::collect(tokens, &mut names);
            }
        }
        if names.len() == before {
            break;
        }
    }
    for (name, held) in state.items.iter().filter(|(name, held)| !defined.contains(name.as_str()) && !held.broken) {
        let krate = &held.krate;
        let role = Role::Item(name.clone());
        if mentions(&names, name) {
            out.line(role, &format!("use {krate}::{name};"));
        } else if matches!(held.part.kind, ItemKind::Trait { .. }) {
            // Its methods are called without its name.
            out.line(role, &format!("use {krate}::{name} as _;"));
        } else {
            continue;
        }
        out.externs.insert(krate.clone());
    }
    for import in imports {
        out.import(import);
    }
    for (name, (origin, range)) in &state.macros {
        if mentions(&names, name) && !defined.contains(name.as_str()) {
            out.user_line(origin, range.clone());
        }
    }
}

fn body(out: &mut Generated, state: &State, split: &Split, origin: &Origin) {
    // A cell may have an `Ok` of its own, or one that returns another crate's error.
    let ok_is_std = !split.defined().any(|name| name == "Ok")
        && !state.items.contains_key("Ok")
        && !state.imports.iter().any(|import| import.binds.as_deref() == Some("Ok"));
    for part in &split.parts {
        let (range, tail) = match part {
            Part::Statement { range } => (range, None),
            Part::Tail { range, kind } => (range, Some(*kind)),
            // Where it stands matters only to what stands between it and another of its name.
            Part::Macro { name, range } if split.redefines_macro(name) => (range, None),
            _ => continue,
        };
        let _ = writeln!(out.text, "::lab::host::at({});", line_number(&origin.text, range.start));
        let (open, close) = match tail {
            None => ("", ""),
            Some(Tail::OkUnit | Tail::Ok) if !ok_is_std => ("::lab::show_tail!(\n", ");\n"),
            Some(Tail::Any) => ("::lab::show_tail!(\n", ");\n"),
            Some(Tail::Leaves) => ("", ";\n"),
            Some(Tail::OkUnit) => (concat!("let _: ", tail_type!("()"), " =\n"), ";\n"),
            Some(Tail::Ok) => (concat!("::lab::show_tail!({ let tail: ", tail_type!("_"), " =\n"), "; tail });\n"),
        };
        out.text.push_str(open);
        out.user_line(origin, range.clone());
        out.text.push_str(close);
    }
}

/// The line that holds a byte; 1 for the first.
pub(crate) fn line_number(text: &str, byte: usize) -> usize {
    text[..byte.min(text.len())].matches('\n').count() + 1
}

//! From a cell to the crate that it becomes. Every byte of it that the person wrote is known to have come from
//! there (`generated`), so that no message has to show anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::flags::at_first;
use super::frames::{Frames, Stored};
use super::krate::{Generated, How, Role, line_number};
use crate::cell::notebook::follow::Follow;
use crate::cell::notebook::held::{HASH, Held, Origin};
use crate::cell::notebook::plan::Plan;
use crate::cell::notebook::state::State;
use crate::cell::source::items::ItemKind;
use crate::cell::source::names::mentions;
use crate::cell::source::split::{Part, Split, Tail};

/// The type of a last `Ok(..)`: its error would else be open.
macro_rules! tail_type {
    ($value:literal) => {
        concat!("::std::result::Result<", $value, ", ::std::boxed::Box<dyn ::std::error::Error>>")
    };
}

/// What a cell is compiled among.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) state: &'a State,
    /// Libraries of added crates.
    pub(crate) extensions: Vec<String>,
    /// What is linked, and where it is.
    pub(crate) libraries: String,
    /// Whether so little code is generated that sharing the work out costs more than it saves.
    pub(crate) is_light: bool,
    /// Whether every cell is to be optimised.
    pub(crate) is_forced: bool,
}

/// Generates the crate of a cell that parses.
pub(crate) fn generate(
    among: &Surroundings<'_>,
    split: &Split,
    follow: &Follow,
    origin: &Origin,
    plan: &Plan,
    how: How,
) -> Generated {
    let mut out = Generated::default();
    out.version_of = follow.krate.clone();
    let state = among.state;
    for part in &split.parts {
        if let Part::Attribute { range } = part {
            out.user_line(origin, range.clone());
        }
    }
    for krate in &among.extensions {
        let _ = writeln!(out.text, "extern crate {krate} as _;");
    }
    imports(&mut out, state, split, &follow.carried, plan);
    for part in &split.parts {
        match part {
            Part::Use { range, .. } | Part::Macro { range, .. } => out.user_line(origin, range.clone()),
            _ => {}
        }
    }
    items(&mut out, follow, plan);
    out.has_items = split.items().next().is_some() || !out.carried.is_empty();
    out.repeats = split.repeats;
    out.is_forced = among.is_forced;
    let _ = writeln!(
        out.text,
        "#[unsafe(no_mangle)] pub extern \"C\" fn assay_cell_{HASH}() {{ ::lab::host::enter(assay_body) }}\nfn assay_body() {{"
    );
    for name in &plan.borrowed {
        out.take(state, name);
    }
    out.text.push_str(if split.awaits {
        "::lab::host::guard(|| ::lab::host::block_on(async {\n"
    } else {
        "::lab::host::guard(|| {\n"
    });
    body(&mut out, among, split, origin, plan, how);
    for name in plan.borrowed.intersection(&plan.back) {
        out.line(Role::Restore(name.clone()), &format!("::lab::host::restore({name:?}, {name});"));
    }
    out.text.push_str("}\n");
    if let How::Run { opt } = how {
        // Part of the hash: the same cell at another level is another library.
        let _ = writeln!(out.text, "// opt: {opt}");
        out.flags = at_first(opt, out.has_items || opt == 0 && out.is_replaceable(), among.is_light);
    }
    if let Some(krate) = &follow.krate {
        let _ = writeln!(out.text, "// crate: {krate}");
    }
    out.link(state);
    out.seal(&among.libraries)
}

/// Generates a crate around a cell that does not parse, for rustc to say where.
pub(crate) fn unparsed(origin: &Origin) -> Generated {
    let mut out = Generated::default();
    out.text.push_str("use ::lab::prelude::*;\npub fn assay_body() {\n");
    out.user_line(origin, 0..origin.text.len());
    out.text.push_str("}\n");
    out.flags = at_first(0, false, false);
    out.seal("")
}

/// Writes the items, those that need one in a module.
fn items(out: &mut Generated, follow: &Follow, plan: &Plan) {
    let carried = follow.carried.iter().filter(|held| !plan.broken.contains_key(&held.key()));
    out.carried = carried.clone().map(|held| (held.key(), held.part.range.clone())).collect();
    let mut modules: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
    for held in carried.chain(&follow.own) {
        match &held.module {
            Some(module) => modules.entry(module).or_default().push(held),
            None => out.item(held),
        }
    }
    for (module, items) in modules {
        for name in items.iter().filter_map(|held| held.part.kind.name()) {
            let _ = writeln!(out.text, "use {module}::{name};");
        }
        let _ = writeln!(out.text, "pub mod {module} {{ use super::*;");
        items.into_iter().for_each(|held| out.item(held));
        out.text.push_str("}\n");
    }
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
                crate::cell::source::names::collect(tokens, &mut names);
            }
        }
        if names.len() == before {
            break;
        }
    }
    for (name, held) in state.items.iter().filter(|(name, held)| !defined.contains(name.as_str()) && !held.broken) {
        let path = held.path();
        let role = Role::Item(name.clone());
        if mentions(&names, name) {
            out.line(role, &format!("use {path}::{name};"));
        } else if matches!(held.part.kind, ItemKind::Trait { .. }) {
            // Its methods are called without its name.
            out.line(role, &format!("use {path}::{name} as _;"));
        } else {
            continue;
        }
        out.externs.insert(held.krate.clone());
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

/// The statements, and what stores what they make.
fn body(out: &mut Generated, among: &Surroundings<'_>, split: &Split, origin: &Origin, plan: &Plan, how: How) {
    // Types are the same without.
    let mut plan = plan.clone();
    if how == How::Name {
        plan.put.extend(std::mem::take(&mut plan.held).into_keys());
        plan.together = Some((0, usize::MAX));
    }
    let plan = &plan;
    let frames = Frames::new(split, plan);
    let mut frame = 0;
    takes(out, among.state, plan, &frames, frame);
    for (index, part) in split.parts.iter().enumerate() {
        if frames.begins(index) {
            frame += 1;
            out.cut(matches!(how, How::Run { opt } if opt > 0) && frames.are_few());
            takes(out, among.state, plan, &frames, frame);
        }
        for held in frames.held(plan).filter(|held| held.until == index) {
            let mutable = split.bindings.iter().any(|binding| binding.name == *held.name && binding.mutable);
            out.unhold(held.name, mutable);
        }
        statement(out, among.state, split, origin, part);
        frames.held(plan).filter(|held| held.made == index).for_each(|held| out.hold(held.name));
        if how == How::Name {
            frames.earlier(plan, index).for_each(|(name, nth)| out.put(Stored::Earlier(name.clone(), nth), how));
        }
    }
    for (frame, stored) in frames.stored(plan).into_iter().enumerate().rev() {
        stored.into_iter().for_each(|stored| out.put(stored, how));
        frames.held(plan).filter(|held| held.frame == frame).for_each(|held| out.put_held(held.name));
        for name in plan.taken.intersection(&plan.back).filter(|name| frames.leaves(name) == frame) {
            out.line(Role::Restore(name.clone()), &format!("::lab::host::restore({name:?}, {name});"));
        }
        out.text.push_str(if split.awaits {
            "::std::result::Result::Ok(()) }));\n"
        } else {
            "::std::result::Result::Ok(()) });\n"
        });
    }
}

fn takes(out: &mut Generated, state: &State, plan: &Plan, frames: &Frames, frame: usize) {
    plan.taken.iter().filter(|name| frames.takes(name) == frame).for_each(|name| out.take(state, name));
}

fn statement(out: &mut Generated, state: &State, split: &Split, origin: &Origin, part: &Part) {
    // A cell may have an `Ok` of its own, or one that returns another crate's error.
    let ok_is_std = !split.defined().any(|name| name == "Ok")
        && !state.items.contains_key("Ok")
        && !state.imports.iter().any(|import| import.binds.as_deref() == Some("Ok"));
    let (range, tail) = match part {
        Part::Statement { range, .. } => (range, None),
        Part::Tail { range, kind, .. } => (range, Some(*kind)),
        // Where it stands matters only to what stands between it and another of its name.
        Part::Macro { name, range } if split.redefines_macro(name) => (range, None),
        _ => return,
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
    out.edited_line(origin, range.clone(), &split.checks);
    out.text.push_str(close);
}

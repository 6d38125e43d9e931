//! What a notebook holds between cells. A cell works on a copy, which replaces this one when it succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::generate::Plan;
use super::imports::Leaf;
use super::items::{ItemKind, ItemPart};
use super::split::{Part, Split};

/// A cell that was run: what its parts are ranges of.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) cell: u32,
    pub(crate) text: Arc<str>,
}

/// A variable that the cell host keeps.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Its type, as it can be written in any later cell.
    pub(crate) ty: String,
    pub(crate) mutable: bool,
    pub(crate) cell: u32,
    /// What the host calls its type: tells whether the host still has this value.
    pub(crate) in_host: String,
}

/// Why a name that once was a variable is none now.
#[derive(Debug, Clone)]
pub(crate) enum Gone {
    Moved {
        cell: u32,
    },
    Borrows {
        cell: u32,
    },
    Unnameable {
        cell: u32,
        ty: String,
    },
    Redefined {
        item: String,
        made: u32,
        changed: u32,
    },
    Lost {
        cell: u32,
        how: String,
    },
    /// It has a value on some ways through its cell only.
    Unset {
        cell: u32,
    },
    /// Its type is defined among the cell's statements.
    Inside {
        cell: u32,
    },
}

/// An item, and the crate that holds it now.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) krate: String,
    pub(crate) origin: Origin,
    pub(crate) part: ItemPart,
    /// The level of optimisation that it was given; 0 where none was.
    pub(crate) opt: u8,
    /// What the names that it uses led to when it was compiled.
    pub(crate) saw: BTreeMap<String, String>,
    /// It no longer compiles with what a later cell defined; it is tried again when that changes.
    pub(crate) broken: bool,
}

impl Held {
    /// A new item, not yet in any crate.
    pub(crate) fn new(origin: &Origin, part: &ItemPart) -> Self {
        Self {
            krate: String::new(),
            origin: origin.clone(),
            part: part.clone(),
            opt: 0,
            saw: BTreeMap::new(),
            broken: false,
        }
    }

    /// Where it was written.
    pub(crate) fn key(&self) -> Key {
        (self.origin.cell, self.part.range.start)
    }

    /// What to call it.
    pub(crate) fn title(&self) -> String {
        match &self.part.kind {
            ItemKind::Impl(it) => format!("`impl {}`", it.target),
            kind => format!("`{}`", kind.name().unwrap_or_default()),
        }
    }

    /// Whether a part of it was defined anew elsewhere.
    pub(crate) fn is_cut(&self) -> bool {
        self.part.edits.iter().any(|(_, with)| with.is_empty())
    }

    /// What stands around it.
    pub(crate) fn around(&self) -> Option<(&str, &str)> {
        let (before, after) = self.part.around.as_ref()?;
        Some((&self.origin.text[before.clone()], &self.origin.text[after.clone()]))
    }
}

/// A place in a cell: its count and a byte.
pub(crate) type Key = (u32, usize);

/// An import that holds for all later cells.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) origin: Origin,
    pub(crate) leaf: Leaf,
    /// The name that it binds.
    pub(crate) binds: Option<String>,
}

/// The committed state.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) gone: BTreeMap<String, Gone>,
    pub(crate) items: BTreeMap<String, Held>,
    pub(crate) impls: Vec<Held>,
    /// Methods that went with an earlier definition of their type: what defined them, and in which cell.
    pub(crate) former: BTreeMap<String, (String, u32)>,
    pub(crate) imports: Vec<Import>,
    pub(crate) macros: BTreeMap<String, (Origin, Range<usize>)>,
}

impl State {
    /// Forgets the variables that the host no longer has as they were, and says which.
    pub(crate) fn keep(&mut self, in_host: &BTreeMap<String, String>, cell: u32, how: &str) -> Vec<String> {
        let lost = |(name, variable): (&String, &Variable)| {
            (in_host.get(name) != Some(&variable.in_host)).then(|| name.clone())
        };
        let names: Vec<String> = self.variables.iter().filter_map(lost).collect();
        for name in &names {
            self.variables.remove(name);
            self.gone.insert(name.clone(), Gone::Lost { cell, how: how.to_owned() });
        }
        names
    }

    /// Takes in what a compiled cell defines; returns what there is to say of earlier definitions that do not
    /// compile with it.
    pub(crate) fn define(
        &mut self,
        split: &Split,
        carried: &[Held],
        krate: &str,
        origin: &Origin,
        opt: u8,
        plan: &Plan,
    ) -> Vec<String> {
        let mut said = Vec::new();
        self.imports.retain(|import| {
            let text = import.leaf.text(&import.origin.text);
            let stays = !plan.broken_imports.contains(&text);
            if !stays {
                said.push(format!("`{text}` of cell [{}] leads nowhere now and was dropped", import.origin.cell));
            }
            stays
        });
        self.drop_replaced_impls(split, carried);
        let own = split.items().map(|part| Held::new(origin, part));
        let mut new = Vec::new();
        for held in carried.iter().cloned().chain(own) {
            if let Some(why) = plan.broken.get(&held.key()) {
                self.remember(&held);
                if !held.broken {
                    said.push(format!("{} ({why})", super::settle::broken(&held.title(), held.origin.cell)));
                }
                self.hold(Held { broken: true, ..held });
            } else {
                new.push(Held { krate: krate.to_owned(), opt, broken: false, ..held });
            }
        }
        for held in &new {
            for member in members(&held.part.kind) {
                self.former.remove(member);
            }
            self.hold(held.clone());
        }
        for part in &split.parts {
            match part {
                Part::Use { leaves, .. } => leaves.iter().for_each(|leaf| self.import(origin, leaf)),
                Part::Macro { name, range } => {
                    self.macros.insert(name.clone(), (origin.clone(), range.clone()));
                }
                _ => {}
            }
        }
        // Only now does every name lead to where it led when the crate was compiled.
        for mut held in new {
            held.saw = self.resolve_all(&held.part.uses);
            self.hold(held);
        }
        said
    }

    fn hold(&mut self, held: Held) {
        match held.part.kind.name() {
            Some(name) => {
                self.imports.retain(|import| import.binds.as_deref() != Some(name));
                self.items.insert(name.to_owned(), held);
            }
            None => match self.impls.iter_mut().find(|it| it.key() == held.key()) {
                Some(it) => *it = held,
                None => self.impls.push(held),
            },
        }
    }

    /// An `impl` that goes with a type and was not carried with it has been replaced.
    fn drop_replaced_impls(&mut self, split: &Split, carried: &[Held]) {
        let kept: BTreeSet<Key> = carried.iter().map(Held::key).collect();
        let homes: BTreeSet<&str> = split
            .items()
            .map(|part| &part.kind)
            .chain(carried.iter().map(|held| &held.part.kind))
            .filter_map(identity)
            .collect();
        let moves = |held: &Held| match &held.part.kind {
            ItemKind::Impl(it) => it.homes.iter().any(|home| homes.contains(home.as_str())),
            _ => false,
        };
        let (gone, stay) =
            std::mem::take(&mut self.impls).into_iter().partition(|held| moves(held) && !kept.contains(&held.key()));
        self.impls = stay;
        for held in &gone {
            self.remember(held);
        }
    }

    /// Keeps the names of methods that are gone, to say so when one of them is called.
    fn remember(&mut self, held: &Held) {
        let title = held.title();
        for member in members(&held.part.kind) {
            self.former.insert(member.clone(), (title.clone(), held.origin.cell));
        }
    }

    fn import(&mut self, origin: &Origin, leaf: &Leaf) {
        let text = leaf.text(&origin.text);
        let binds = leaf.binds.clone();
        self.imports.retain(|import| {
            import.leaf.text(&import.origin.text) != text && (binds.is_none() || import.binds != binds)
        });
        if let Some(name) = &binds {
            self.items.remove(name);
        }
        self.imports.push(Import { origin: origin.clone(), leaf: leaf.clone(), binds });
    }

    /// Drops variables whose type was defined anew, and says which.
    pub(crate) fn drop_stale(&mut self, cell: u32) -> Vec<String> {
        let stale: Vec<(String, String, u32)> = self
            .variables
            .iter()
            .filter_map(|(name, variable)| {
                let item = self.stale_item(&variable.ty)?;
                Some((name.clone(), item, variable.cell))
            })
            .collect();
        for (name, item, made) in &stale {
            self.variables.remove(name);
            self.gone.insert(name.clone(), Gone::Redefined { item: item.clone(), made: *made, changed: cell });
        }
        stale.into_iter().map(|(name, ..)| name).collect()
    }

    /// The first item named in `ty` that is now held by another crate.
    fn stale_item(&self, ty: &str) -> Option<String> {
        crate_paths(ty).find_map(|(krate, item)| {
            let held = self.items.get(item)?;
            (held.krate != krate || held.broken).then(|| item.to_owned())
        })
    }
}

/// Each `cell_<hash>::Item` in a type: the crate, and the item.
pub(crate) fn crate_paths(ty: &str) -> impl Iterator<Item = (&str, &str)> {
    ty.match_indices("cell_").filter_map(|(at, _)| {
        let (krate, rest) = ty[at..].split_once("::")?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        (krate.len() == 21).then(|| (krate, &rest[..end]))
    })
}

/// The members of an `impl`.
fn members(kind: &ItemKind) -> impl Iterator<Item = &String> {
    let members = match kind {
        ItemKind::Impl(it) => Some(it.members.keys()),
        _ => None,
    };
    members.into_iter().flatten()
}

/// The name of an item that is another one when it is compiled again.
fn identity(kind: &ItemKind) -> Option<&str> {
    match kind {
        ItemKind::Type(name) | ItemKind::Alias(name) | ItemKind::Module(name) => Some(name),
        ItemKind::Trait { name, .. } => Some(name),
        ItemKind::Value(_) | ItemKind::Constant(_) | ItemKind::Impl(_) => None,
    }
}

//! A compiled cell as the loader sees it: which of its functions another compilation of the same text can
//! stand in for, and where their addresses are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use object::elf::{R_X86_64_64, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE, SHF_ALLOC, STV_HIDDEN};
use object::{
    Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget, SectionFlags,
    SymbolFlags, SymbolKind,
};

use super::symbol::function;

/// A library that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not a library: {source}", path.display())]
    Parse { path: PathBuf, source: object::read::Error },
}

/// What of a library matters here. Addresses count from where it is loaded.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// Functions by symbol, without the crate that instantiated them. Only those that other objects could call, as
    /// of all others an optimiser may have changed the signature; and only those that it has once.
    pub(crate) functions: BTreeMap<String, u64>,
    /// Where the address of a function is kept to be called, and which: the table that calls go through, and
    /// vtables. Not where it is kept as a value.
    pub(crate) slots: Vec<(u64, String)>,
    /// Whether it has a `static` or `thread_local!` of its own, constant or not: a second copy of its code would
    /// see a second copy of it, at another address.
    pub(crate) has_statics: bool,
}

impl Image {
    /// Reads a library.
    ///
    /// # Errors
    /// When the file cannot be read or is no ELF library.
    pub(crate) fn read(path: &Path) -> Result<Self, ImageError> {
        let data = std::fs::read(path).map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
        Self::parse(&data).map_err(|source| ImageError::Parse { path: path.to_owned(), source })
    }

    fn parse(data: &[u8]) -> Result<Self, object::read::Error> {
        let file = object::File::parse(data)?;
        let mut image = Self::default();
        let (mut at, mut known, mut doubtful) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for symbol in file.symbols().filter(|symbol| symbol.section_index().is_some()) {
            let Ok(name) = symbol.name() else { continue };
            match symbol.kind() {
                SymbolKind::Text => {
                    let Some(function) = function(name) else { continue };
                    if known.insert(function, symbol.address()).is_some_and(|other| other != symbol.address()) {
                        doubtful.insert(function);
                    }
                    if is_stable(&symbol) {
                        at.insert(symbol.address(), function);
                        image.functions.insert(function.to_owned(), symbol.address());
                    }
                }
                SymbolKind::Data | SymbolKind::Tls if symbol.size() > 0 && !OF_C.contains(&name) => {
                    image.has_statics |= is_loaded(&file, &symbol);
                }
                _ => {}
            }
        }
        image.functions.retain(|function, _| !doubtful.contains(function.as_str()));
        image.slots = slots(&file, &at);
        image.slots.retain(|(_, function)| !doubtful.contains(function.as_str()));
        Ok(image)
    }
}

/// Data that the C compiler's start files and unwinding tables bring along.
const OF_C: [&str; 4] = ["completed.0", "__dso_handle", "__TMC_END__", "DW.ref.rust_eh_personality"];

/// Where the library keeps addresses of functions to call them; `at` has its own functions by address.
fn slots(file: &object::File<'_>, at: &BTreeMap<u64, &str>) -> Vec<(u64, String)> {
    let names = file.dynamic_symbol_table();
    let named = |index| names.as_ref()?.symbol_by_index(index).ok()?.name().ok().and_then(function);
    let relocations: BTreeMap<_, _> = file.dynamic_relocations().into_iter().flatten().collect();
    let is_filled = |word: u64| relocations.contains_key(&word);
    let mut slots = Vec::new();
    for (slot, relocation) in &relocations {
        let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
        let name = match relocation.target() {
            RelocationTarget::Symbol(index) if matches!(r_type, R_X86_64_JUMP_SLOT | R_X86_64_64) => named(index),
            // The address itself, from where the library is loaded.
            _ if r_type == R_X86_64_RELATIVE => {
                u64::try_from(relocation.addend()).ok().and_then(|address| at.get(&address).copied())
            }
            _ => None,
        };
        let Some(name) = name.filter(|_| slot % WORD == 0) else { continue };
        if r_type == R_X86_64_JUMP_SLOT || is_in_vtable(file, *slot, is_filled) {
            slots.push((*slot, name.to_owned()));
        }
    }
    slots
}

/// The bytes of an address.
const WORD: u64 = 8;

/// Whether a function's address stands in a vtable, not in a table of `fn` pointers: after the words for
/// size and alignment, or, as the destructor, before them. `is_filled`: whether the loader fills in a word.
fn is_in_vtable(file: &object::File<'_>, slot: u64, is_filled: impl Fn(u64) -> bool) -> bool {
    let layout_at = |address: u64| {
        if is_filled(address) || is_filled(address + WORD) {
            return false;
        }
        let constants =
            |section: &object::Section<'_, '_>| section.name().is_ok_and(|it| it.starts_with(".data.rel.ro"));
        let bytes = file.sections().filter(constants).find_map(|it| it.data_range(address, 2 * WORD).ok().flatten());
        let Some((size, align)) = bytes.and_then(|bytes| bytes.split_first_chunk::<8>()) else { return false };
        let Ok(align) = align.try_into().map(u64::from_le_bytes) else { return false };
        align.is_power_of_two() && u64::from_le_bytes(*size).is_multiple_of(align)
    };
    if layout_at(slot + WORD) {
        return true;
    }
    let mut first = slot;
    while first.checked_sub(WORD).is_some_and(&is_filled) {
        first -= WORD;
    }
    first.checked_sub(2 * WORD).is_some_and(layout_at)
}

fn is_stable<'data>(symbol: &impl ObjectSymbol<'data>) -> bool {
    let hidden = matches!(symbol.flags(), SymbolFlags::Elf { st_other, .. } if st_other & 3 == STV_HIDDEN);
    symbol.is_global() || hidden
}

/// Whether what the symbol names is in memory once the library is loaded; its metadata are not.
fn is_loaded<'data>(file: &object::File<'data>, symbol: &impl ObjectSymbol<'data>) -> bool {
    let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
    section.is_some_and(
        |section| matches!(section.flags(), SectionFlags::Elf { sh_flags } if sh_flags & u64::from(SHF_ALLOC) != 0),
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Image;

    fn compile(text: &str) -> Image {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cell.rs"), text).unwrap();
        let mut rustc = Command::new("rustc");
        rustc.current_dir(folder.path()).args(["cell.rs", "--edition=2021", "--crate-type=dylib", "-Crelro-level=off"]);
        rustc.arg("-Csymbol-mangling-version=v0");
        assert!(rustc.args(["-Cprefer-dynamic", "-o", "libcell.so"]).status().unwrap().success());
        Image::read(&folder.path().join("libcell.so")).unwrap()
    }

    #[test]
    fn calls_of_public_and_generic_functions_can_go_elsewhere() {
        let image = compile("pub fn called() {} pub fn calls() { called(); generic(1u8); } pub fn generic<T>(_: T) {}");
        for part in ["called", "generic"] {
            assert!(image.functions.keys().any(|symbol| symbol.contains(part)), "{part}: {:?}", image.functions);
            assert!(image.slots.iter().any(|(_, symbol)| symbol.contains(part)), "{part}: {:?}", image.slots);
        }
    }

    #[test]
    fn a_static_is_known_and_a_constant_is_none() {
        assert!(
            !compile(
                "pub const NAMES: [&str; 2] = [\"a\", \"b\"]; pub fn code() -> &'static dyn std::fmt::Debug { &NAMES }"
            )
            .has_statics
        );
        for state in [
            "pub static N: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);",
            "pub static mut N: u8 = 1;",
            "pub static NAMES: [&str; 2] = [\"a\", \"b\"];",
            "static N: u64 = 7; pub fn at() -> &'static u64 { &N }",
            "pub fn at<T>(_: T) -> &'static u64 { static N: u64 = 7; &N } pub fn call() -> &'static u64 { at(1) }",
            "#[unsafe(no_mangle)] pub static NUMBER: u64 = 1;",
            "pub fn next() -> u8 { static N: std::sync::Mutex<u8> = std::sync::Mutex::new(0); *N.lock().unwrap() }",
            "std::thread_local! { pub static N: std::cell::Cell<u8> = const { std::cell::Cell::new(1) }; }",
            "std::thread_local! { pub static N: std::cell::RefCell<String> = Default::default(); }",
            "pub static N: std::sync::OnceLock<String> = std::sync::OnceLock::new();",
        ] {
            assert!(compile(state).has_statics, "{state}");
        }
    }

    #[test]
    fn two_local_types_of_one_name_have_functions_of_their_own() {
        let image = compile(
            "pub trait Go { fn go(&self) -> u8; }
             pub fn each<T: Go>(it: T) -> u8 { it.go() }
             pub fn first() -> u8 { { struct S(u8); impl Go for S { fn go(&self) -> u8 { self.0 } } each(S(1)) } }
             pub fn both() -> u8 {
                 let a = { struct S; impl Go for S { fn go(&self) -> u8 { 2 } } each(S) };
                 let b = { struct S; impl Go for S { fn go(&self) -> u8 { 3 } } each(S) };
                 a + b
             }",
        );
        assert_eq!(image.functions.keys().filter(|symbol| symbol.contains("4each")).count(), 3, "{image:?}");
    }

    #[test]
    fn methods_in_a_vtable_are_called_and_functions_in_a_table_are_values() {
        let image = compile(
            "pub trait Go { fn method(&self) {} fn other(&self) {} }
             pub struct S;
             impl Go for S {}
             pub fn object() -> Box<dyn Go> { Box::new(S) }
             pub fn one() {}
             pub fn two() {}
             pub fn table() -> &'static [fn(); 2] { &[one, two] }
             pub fn value() -> fn() { one }",
        );
        let has = |name: &str| image.slots.iter().any(|(_, symbol)| symbol.ends_with(name));
        assert!(has("6method") && has("5other"), "{:?}", image.slots);
        assert!(!has("3one") && !has("3two"), "{:?}", image.slots);
    }

    #[test]
    fn what_is_no_library_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "text").unwrap();
        let error = Image::read(file.path()).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}

//! A compiled cell as the loader sees it: which of its functions another compilation of the same text can
//! stand in for, and where their addresses are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use object::elf::{SHF_WRITE, STV_HIDDEN};
use object::{
    Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationTarget, SectionFlags, SymbolFlags, SymbolKind,
};

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
    /// Functions by name, types included. Only those that other objects could call: of all others an optimiser
    /// may have changed the signature.
    pub(crate) functions: BTreeMap<String, u64>,
    /// Where the address of a function is kept, and which: the table that calls go through, and vtables.
    pub(crate) slots: Vec<(u64, String)>,
    /// Whether it has variables of its own (`static` with something to change, `thread_local!`): a second
    /// copy of its code would see a second copy of them.
    pub(crate) has_state: bool,
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
        let mut at = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.section_index().is_some()) {
            let Ok(name) = symbol.name() else { continue };
            match symbol.kind() {
                SymbolKind::Text if is_stable(&symbol) => {
                    let Some(function) = function(name) else { continue };
                    at.insert(symbol.address(), function.clone());
                    image.functions.insert(function, symbol.address());
                }
                SymbolKind::Data | SymbolKind::Tls if symbol.size() > 0 && !OF_C.contains(&name) => {
                    image.has_state |= is_writable(&file, &symbol);
                }
                _ => {}
            }
        }
        let names = file.dynamic_symbol_table();
        for (slot, relocation) in file.dynamic_relocations().into_iter().flatten() {
            let name = match relocation.target() {
                RelocationTarget::Symbol(index) => {
                    names.as_ref().and_then(|table| function(table.symbol_by_index(index).ok()?.name().ok()?))
                }
                // The address itself, from where the library is loaded.
                _ => u64::try_from(relocation.addend()).ok().and_then(|address| at.get(&address).cloned()),
            };
            image.slots.extend(name.map(|name| (slot, name)));
        }
        Ok(image)
    }
}

/// Data that the C compiler's start files and unwinding tables bring along.
const OF_C: [&str; 4] = ["completed.0", "__dso_handle", "__TMC_END__", "DW.ref.rust_eh_personality"];

/// The function that a symbol of rustc's v0 mangling names: its path and types in full, crates with their hashes.
/// The symbol itself also says which crate instantiated it, where the optimiser wanted a copy to inline.
fn function(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok().filter(|_| symbol.starts_with("_R"))?;
    Some(name.to_string())
}

fn is_stable<'data>(symbol: &impl ObjectSymbol<'data>) -> bool {
    let hidden = matches!(symbol.flags(), SymbolFlags::Elf { st_other, .. } if st_other & 3 == STV_HIDDEN);
    symbol.is_global() || hidden
}

/// Whether what the symbol names can change after loading.
fn is_writable<'data>(file: &object::File<'data>, symbol: &impl ObjectSymbol<'data>) -> bool {
    let Some(section) = symbol.section_index().and_then(|index| file.section_by_index(index).ok()) else {
        return false;
    };
    let constant = section.name().is_ok_and(|name| name.starts_with(".data.rel.ro"));
    let writable = matches!(section.flags(), SectionFlags::Elf { sh_flags } if sh_flags & u64::from(SHF_WRITE) != 0);
    writable && !constant
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
    fn calls_of_public_and_generic_functions_can_be_led_elsewhere() {
        let image = compile("pub fn called() {} pub fn calls() { called(); generic(1u8); } pub fn generic<T>(_: T) {}");
        for part in ["called", "generic"] {
            assert!(image.functions.keys().any(|symbol| symbol.contains(part)), "{part}: {:?}", image.functions);
            assert!(image.slots.iter().any(|(_, symbol)| symbol.contains(part)), "{part}: {:?}", image.slots);
        }
    }

    #[test]
    fn a_static_that_can_change_is_state_and_a_constant_is_none() {
        let code = "pub fn code() -> &'static dyn std::fmt::Debug { &1 } pub static NAMES: [&str; 2] = [\"a\", \"b\"];";
        assert!(!compile(code).has_state);
        for state in [
            "pub static N: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);",
            "pub static mut N: u8 = 1;",
            "pub fn next() -> u8 { static N: std::sync::Mutex<u8> = std::sync::Mutex::new(0); *N.lock().unwrap() }",
            "std::thread_local! { pub static N: std::cell::Cell<u8> = const { std::cell::Cell::new(1) }; }",
            "std::thread_local! { pub static N: std::cell::RefCell<String> = Default::default(); }",
            "pub static N: std::sync::OnceLock<String> = std::sync::OnceLock::new();",
        ] {
            assert!(compile(state).has_state, "{state}");
        }
    }

    #[test]
    fn what_is_no_library_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "text").unwrap();
        let error = Image::read(file.path()).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}

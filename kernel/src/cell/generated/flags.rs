//! The flags that decide what a cell is compiled to.

/// How every cell is compiled; part of the hash that names it.
pub(crate) const FLAGS: [&str; 12] = [
    "--edition",
    "2021",
    "-A",
    "warnings",
    "--error-format=json",
    "-Cprefer-dynamic",
    "-Cdebuginfo=0",
    "-Cembed-bitcode=no",
    // The same at every level, since code of two levels may be mixed; see `tier`.
    "-Cdebug-assertions=no",
    "-Coverflow-checks=yes",
    // Symbols say which function they are, types and all; see `compiler::swap::image`.
    "-Csymbol-mangling-version=v0",
    // What calls go through is written again when a function is replaced.
    "-Crelro-level=off",
];

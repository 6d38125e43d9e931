//! The flags that decide what a cell is compiled to. All of them are part of the hash that names it.

/// How every cell is compiled.
pub(crate) const FLAGS: [&str; 12] = [
    "--edition",
    "2021",
    "-A",
    "warnings",
    "--error-format=json",
    "-Cprefer-dynamic",
    "-Cdebuginfo=0",
    "-Cembed-bitcode=no",
    // The same at every level, since code of two levels may be mixed; see `compiler::swap`.
    "-Cdebug-assertions=no",
    "-Coverflow-checks=yes",
    // Symbols say which function they are, types and all; see `compiler::swap::symbol`.
    "-Csymbol-mangling-version=v0",
    // What calls go through is written again when a function is replaced.
    "-Crelro-level=off",
];

/// How a cell is compiled whose functions replace those of its plain version.
pub(crate) const OPTIMISED: [&str; 7] = [
    "--crate-type=cdylib",
    "-Copt-level=3",
    "-Ccodegen-units=1",
    "-Clink-dead-code=yes",
    "-Clto=off",
    // Where addresses of functions are compared or shown as numbers; see `compiler::swap`.
    "--force-warn=unpredictable-function-pointer-comparisons",
    "--force-warn=function-casts-as-integer",
];

/// The highest level of optimisation.
pub(crate) const HIGHEST: u8 = 3;

/// How a cell is compiled that is run from the start. A `dylib` can be linked by later cells, and calls its functions
/// through a table, so that they can be replaced.
pub(crate) fn at_first(opt: u8, is_dylib: bool, is_light: bool) -> Vec<String> {
    let kind = if is_dylib { "dylib" } else { "cdylib" };
    // A few statements take 91 ms of processor time in one unit, and 109 in four; a training loop takes
    // 10% less time in four. The highest level is for the fastest code, which is one unit.
    let units = if is_light || opt >= HIGHEST { 1 } else { 4 };
    vec![format!("--crate-type={kind}"), format!("-Copt-level={opt}"), format!("-Ccodegen-units={units}")]
}

//! Tells the library which compiler has made it and for what; and cargo, that the migrations are part of it.

use std::env;
use std::process::Command;

/// What the library asks for, and where cargo says it. It has no `TARGET_FEATURES` where there are none.
const SAID: [(&str, &str); 4] = [
    ("ASSAY_TARGET", "TARGET"),
    ("ASSAY_TARGET_FEATURES", "CARGO_CFG_TARGET_FEATURE"),
    ("ASSAY_PROFILE", "PROFILE"),
    ("ASSAY_OPT_LEVEL", "OPT_LEVEL"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../migrations");
    for (name, said) in SAID {
        if let Ok(value) = env::var(said) {
            println!("cargo::rustc-env={name}={value}");
        }
    }
    if let Some(version) = rustc() {
        println!("cargo::rustc-env=ASSAY_RUSTC={version}");
    }
}

/// As `rustc --version` says it.
fn rustc() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|version| !version.is_empty())
}

//! Cells whose functions are replaced by optimised ones, before the first call or while they run.

use crate::{check, start_with};

/// Whether code that was optimised is loaded.
const IS_LOADED: &str = r#"std::fs::read_to_string("/proc/self/maps")?.contains(".fast.so")"#;

async fn with(mode: &str, cells: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start_with(folder.path(), "cpu", &[("ASSAY_SWAP", mode)]).await;
    let mut last = String::new();
    for cell in cells {
        let seen = check::execute(&kernel, cell).await;
        last = seen.result().map_or_else(|| format!("{seen:?}"), str::to_owned);
    }
    kernel.shutdown().await;
    last
}

#[tokio::test]
async fn a_cell_can_be_forced_to_run_optimised_from_its_first_call() {
    for (mode, expected) in [("force", "true"), ("mix", "true"), ("off", "false")] {
        let cell = format!("fn twice(x: u64) -> u64 {{ x * 2 }}\nlet four = twice(2);\n{IS_LOADED}");
        assert_eq!(with(mode, &[&cell]).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn what_may_see_addresses_is_never_optimised() {
    for cell in [
        "static END: u64 = 7; fn end() -> &'static u64 { &END } end();",
        "fn end() -> bool { let end: &'static str = \"end\"; std::ptr::eq(end, end) } end();",
        "fn shown(x: &'static u64) -> String { format!(\"{x:p}\") } shown(&1);",
        "fn one() {} fn two() {} fn which() -> bool { [one, two][0] == [two, one][1] } which();",
        "fn one() {} fn at() -> usize { one as usize } at();",
        "fn one() -> u8 { 1 } let f: fn() -> u8 = one; f();",
    ] {
        assert_eq!(with("force", &[&format!("{cell}\n{IS_LOADED}")]).await, "false", "{cell}");
    }
    let share = [
        "fn same(a: &'static u64, b: &'static u64) -> bool { std::ptr::eq(a, b) }",
        "fn uses() -> bool { same(&1, &1) } uses();",
    ];
    assert_eq!(with("force", &[share[0], &format!("{}\n{IS_LOADED}", share[1])]).await, "false");
}

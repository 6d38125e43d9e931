//! Definitions of the corpus, run again as they are, in random orders: nothing may change by that.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cases::{Case, Cell, read};
use crate::{check, start};

const FILES: [&str; 7] = ["impls", "items", "macros", "modules", "redefinition", "rerun", "unchanged"];
const KEYWORDS: [&str; 9] = ["struct", "enum", "union", "fn", "trait", "const", "static", "type", "mod"];

/// Whether a cell only defines something, and leads to nothing by itself.
fn only_defines(cell: &Cell) -> bool {
    let starts = ["pub ", "impl", "#[", "//", "}", "unsafe impl", "macro_rules!", "thread_local!"];
    let is_definition = |line: &str| {
        starts.iter().any(|it| line.starts_with(it))
            || KEYWORDS.iter().any(|it| line.strip_prefix(it).is_some_and(|rest| rest.starts_with(' ')))
    };
    let mut top = cell.source.lines().filter(|line| !line.starts_with(char::is_whitespace) && !line.is_empty());
    cell.expected.iter().all(|it| it.what.starts_with("not-"))
        && cell.source.trim_end().ends_with(['}', ';'])
        && top.all(is_definition)
}

/// What a cell's lines define, by name; `impl`s by their heads.
fn defined(cell: &Cell) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in cell.source.lines() {
        let words: Vec<&str> =
            line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|it| !it.is_empty()).collect();
        if line.starts_with("impl") {
            // Its parameters may be called otherwise.
            let head = line.split('{').next().unwrap_or(line).split(|c: char| !c.is_alphanumeric());
            found.insert(head.filter(|word| word.len() > 1).collect::<Vec<_>>().join(" "));
        }
        for pair in words.windows(2).filter(|pair| {
            KEYWORDS.contains(&pair[0]) && !line.starts_with("impl") && !line.starts_with(' ')
                || ["let", "macro_rules"].contains(&pair[0])
        }) {
            found.insert(pair[1].to_owned());
        }
    }
    found
}

/// Whether nothing is defined twice, nor anything refused: then each definition is the last of its name.
fn is_plain(case: &Case) -> bool {
    let mut seen = BTreeSet::new();
    case.cells.iter().all(|cell| {
        let fails = cell.expected.iter().any(|it| it.what == "error" || it.what == "stderr");
        !fails && !cell.source.starts_with(':') && defined(cell).into_iter().all(|name| seen.insert(name))
    })
}

fn shuffle<T>(list: &mut [T], seed: &mut u64) {
    for end in (1..list.len()).rev() {
        // Xorshift: the same orders in every run of the test.
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        list.swap(end, usize::try_from(*seed % (end as u64 + 1)).unwrap());
    }
}

#[tokio::test]
async fn definitions_run_again_in_any_order_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let mut seed = 13;
    let mut tried = 0;
    let mut failures = Vec::new();
    for file in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/kernel/cases/{file}.txt"));
        for case in read(&path).iter().filter(|case| is_plain(case)) {
            let mut definitions: Vec<&Cell> = case.cells.iter().filter(|cell| only_defines(cell)).collect();
            let Some(last) = case.cells.last().filter(|_| !definitions.is_empty()) else { continue };
            check::execute(&kernel, ":restart").await;
            for cell in &case.cells {
                check::execute(&kernel, &cell.source).await;
            }
            let before = check::execute(&kernel, &last.source).await;
            if check::execute(&kernel, &last.source).await.result() != before.result() || before.error().is_some() {
                // What it leads to changes anyway.
                continue;
            }
            tried += 1;
            definitions.extend(definitions.clone());
            shuffle(&mut definitions, &mut seed);
            for cell in definitions {
                let seen = check::execute(&kernel, &cell.source).await;
                if seen.notes() || seen.error().is_some() {
                    failures.push(format!("{file}, {}: {}\n{seen:#?}", case.name, cell.source));
                }
            }
            let after = check::execute(&kernel, &last.source).await;
            if after.result() != before.result() {
                failures.push(format!("{file}, {}: {:?}, then {after:#?}", case.name, before.result()));
            }
        }
    }
    kernel.shutdown().await;
    assert!(tried > 40, "only {tried} cases");
    assert!(failures.is_empty(), "{} of {tried} failed:\n{}", failures.len(), failures.join("\n\n"));
}

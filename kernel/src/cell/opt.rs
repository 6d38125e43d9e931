//! At which optimisation level a cell is compiled.

/// Decided by what the cell contains.
pub(crate) const AUTO: u8 = u8::MAX;

/// The level for a cell: what it says itself in a `// opt: N` line, else `set`, else by its content.
pub(crate) fn level(code: &str, set: u8) -> u8 {
    let own = code.lines().find_map(|line| {
        let level = line.trim().strip_prefix("//")?.trim().strip_prefix("opt:")?;
        level.trim().parse::<u8>().ok().filter(|level| *level <= 3)
    });
    own.unwrap_or(if set == AUTO { 0 } else { set })
}

#[cfg(test)]
mod tests {
    use super::{AUTO, level};

    #[test]
    fn a_cell_may_say_its_level() {
        assert_eq!(level("// opt: 3\nlet a = 1;", AUTO), 3);
        assert_eq!(level("//opt:2\nlet a = 1;", 0), 2);
        assert_eq!(level("// opt: 9", 1), 1);
        assert_eq!(level("let a = 1;", AUTO), 0);
    }
}

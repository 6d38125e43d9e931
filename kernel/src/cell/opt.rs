//! At which optimisation level a cell is compiled.

/// None at first, and the highest for what runs for long; see `tier`.
pub(crate) const AUTO: u8 = u8::MAX;

/// The level for a cell: what it says itself in a `// opt: N` line, else `set`; `None` where it is ours to
/// choose.
pub(crate) fn level(code: &str, set: u8) -> Option<u8> {
    let own = code.lines().find_map(|line| {
        let level = line.trim().strip_prefix("//")?.trim().strip_prefix("opt:")?;
        level.trim().parse::<u8>().ok().filter(|level| *level <= 3)
    });
    own.or((set != AUTO).then_some(set))
}

#[cfg(test)]
mod tests {
    use super::{AUTO, level};

    #[test]
    fn a_cell_may_say_its_level() {
        assert_eq!(level("// opt: 3\nlet a = 1;", AUTO), Some(3));
        assert_eq!(level("//opt:2\nlet a = 1;", 0), Some(2));
        assert_eq!(level("// opt: 9", 1), Some(1));
        assert_eq!(level("let a = 1;", AUTO), None);
    }
}

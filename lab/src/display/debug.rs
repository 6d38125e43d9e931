//! Values that are only known through `Debug`: one line when short, indented when long.

use std::fmt::Debug;

use super::MimeBundle;

/// The widest that a value is shown on one line, in characters.
const ONE_LINE: usize = 100;

/// A value as `{:?}`, or as `{:#?}` when one line would be too long to read.
pub(crate) fn bundle(value: &dyn Debug) -> MimeBundle {
    MimeBundle::new().with_text(text(value))
}

pub(crate) fn text(value: &dyn Debug) -> String {
    let short = format!("{value:?}");
    if short.chars().count() <= ONE_LINE || short.contains('\n') {
        return short;
    }
    // A flat list of numbers reads better wrapped than one per line.
    let nested = short.contains(" { ") || short.contains('(') || short.contains("[[");
    if nested { format!("{value:#?}") } else { wrap(&short) }
}

/// Breaks a long list after commas, so that it fits the page.
fn wrap(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let mut width = 0;
    for part in line.split_inclusive(", ") {
        let len = part.chars().count();
        if width > 0 && width + len > ONE_LINE {
            out.truncate(out.trim_end().len());
            out.push_str("\n ");
            width = 1;
        }
        out.push_str(part);
        width += len;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn short_values_stay_on_one_line() {
        assert_eq!(text(&Some("a")), "Some(\"a\")");
    }

    #[test]
    fn long_lists_wrap_and_nested_values_indent() {
        let numbers: Vec<u32> = (0..100).collect();
        let shown = text(&numbers);
        assert!(shown.lines().all(|line| line.chars().count() <= 101), "{shown}");
        assert_eq!(shown.replace("\n ", " "), format!("{numbers:?}"));
        let nested = vec![Some(12345678); 20];
        assert_eq!(text(&nested), format!("{nested:#?}"));
    }
}

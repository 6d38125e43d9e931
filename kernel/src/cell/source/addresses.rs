//! Whether source can tell at which address a function, a constant or a vtable is.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Names by which raw pointers are come by, or what stands behind a reference is taken apart. Pointers into the
/// heap are the same in all code of a cell, so `Rc::ptr_eq` and `into_raw` are not among them.
const NAMES: [&str; 24] = [
    "NonNull",
    "AtomicPtr",
    "Pointer",
    "RawWaker",
    "RawWakerVTable",
    "Waker",
    "Wake",
    "addr_of",
    "addr_of_mut",
    "as_mut_ptr",
    "as_mut_ptr_range",
    "as_ptr",
    "as_ptr_range",
    "element_offset",
    "fn_addr_eq",
    "from_mut",
    "from_ref",
    "offset_from",
    "ptr",
    "subslice_range",
    "transmute",
    "transmute_copy",
    "union",
    "will_wake",
];

/// Whether a cell with this text may see addresses: by raw pointers, `fn` pointers, `{:p}`, wakers or
/// by reading a value's bytes as another type. It may say so too often, never too rarely.
pub(crate) fn observes(text: &str) -> bool {
    text.parse::<TokenStream>().map_or(true, in_tokens)
}

fn in_tokens(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(name) => {
            let name = name.to_string();
            let (before, after) = (at.checked_sub(1).and_then(|at| tokens.get(at)), tokens.get(at + 1));
            match name.as_str() {
                "const" | "mut" => is_mark(before, '*') || is_word(before, "raw"),
                // An item has a name there.
                "fn" => matches!(after, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis),
                name => NAMES.contains(&name),
            }
        }
        TokenTree::Group(group) => in_tokens(group.stream()),
        TokenTree::Literal(literal) => shows_pointer(&literal.to_string()),
        TokenTree::Punct(_) => false,
    })
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(name)) if name == word)
}

/// Whether a format string holds `{:p}`, with whatever stands before the `p`.
fn shows_pointer(literal: &str) -> bool {
    literal.contains('"')
        && literal
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .any(|(argument, _)| argument.split_once(':').is_some_and(|(_, format)| format.trim_end().ends_with('p')))
}

#[cfg(test)]
mod tests {
    use super::observes;

    #[test]
    fn what_can_tell_addresses_is_known() {
        for text in [
            "std::ptr::eq(a, b)",
            "use std::ptr as p;",
            "let at = &x as *const u8 as usize;",
            "let at = &raw const X;",
            "fn take(f: fn(u8) -> u8) {}",
            "let f: extern \"C\" fn() = g;",
            "println!(\"{:p}\", &X)",
            "println!(\"{x:#018p}\")",
            "macro_rules! same { ($a:expr) => { $a.as_ptr() } }",
            "waker.will_wake(&other)",
            "union Bits { a: &'static u8, b: usize }",
            "let (a, b): (usize, usize) = std::mem::transmute(x);",
        ] {
            assert!(observes(text), "{text}");
        }
    }

    #[test]
    fn ordinary_code_cannot() {
        for text in [
            "fn f(x: u8) -> u8 { x as usize as u8 }",
            "let f: Box<dyn Fn(u8) -> u8> = Box::new(|x| x * 2);",
            "println!(\"{p} {x:?} {y:>8.3} map\", p = 1)",
            "if Rc::ptr_eq(&a, &b) { let mut c = a * b; const N: usize = 2; }",
            "fn map<T, F: FnMut(T)>(f: F) where F: Send {}",
        ] {
            assert!(!observes(text), "{text}");
        }
    }
}

//! Source as its tokens: two texts that differ in space and comments only are one.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// What two characters written together mean, and apart do not.
const PAIRS: [&str; 22] = [
    "&&", "||", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "->", "=>", "::",
    "..", ".=", "<-",
];

/// The tokens, in one way of writing them.
pub(crate) fn canonical(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text
}

/// The same for a text; what is no tokens stays as it is.
pub(crate) fn canonical_text(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), canonical)
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let [open, close] = match group.delimiter() {
                    Delimiter::Parenthesis => ["(", ")"],
                    Delimiter::Brace => ["{", "}"],
                    Delimiter::Bracket => ["[", "]"],
                    Delimiter::None => ["", ""],
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
                text.push(' ');
            }
            TokenTree::Punct(mark) => {
                text.push(mark.as_char());
                let joined = match tokens.peek() {
                    Some(TokenTree::Punct(next)) if mark.spacing() == Spacing::Joint => {
                        PAIRS.contains(&format!("{}{}", mark.as_char(), next.as_char()).as_str())
                    }
                    // A lifetime.
                    _ => mark.as_char() == '\'',
                };
                if !joined {
                    text.push(' ');
                }
            }
            token => {
                text.push_str(&token.to_string());
                text.push(' ');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical_text;

    #[test]
    fn space_and_comments_are_no_tokens_and_what_they_part_is() {
        let same = [
            ["struct A{x:&'static str}", "struct A {\n  // a\n  x: &'static str /* b */\n}"],
            ["assert!(a==&b,\"{}\",-1)", "assert!( a == & b , \"{}\", - 1 )"],
            ["Vec<Vec<u8>>::new()", "Vec < Vec<u8>>::new( )"],
        ];
        for [one, other] in same {
            assert_eq!(canonical_text(one), canonical_text(other));
        }
        let different =
            [["a & &b", "a && b"], ["\"a b\"", "\"a  b\""], ["a b", "ab"], ["/// a\nfn f() {}", "fn f() {}"]];
        for [one, other] in different {
            assert_ne!(canonical_text(one), canonical_text(other));
        }
    }
}

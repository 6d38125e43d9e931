//! How deeply a text is nested, measured without recursion, so that parsers of ours, which recurse, are given only
//! what they have the stack for, and a stack that is large enough.

use std::thread;

use super::brackets::{Piece, pieces};

/// The deepest brackets that are parsed. The compiler itself gives up before.
const BRACKETS: usize = 2_000;
/// The most pieces that may stand inside one another without brackets: operators, calls, `else if`.
const PIECES: usize = 50_000;
/// What is measured as no deeper than this is parsed on the stack at hand: 20 kB for each piece.
const SHALLOW: usize = 100;
/// The stack for everything else, of which only what is used becomes memory.
const STACK: usize = 1 << 30;
/// Keywords that an operand follows, so that a `|` after them begins a closure.
const PREFIXES: [&str; 11] =
    ["async", "break", "else", "for", "if", "in", "match", "move", "return", "static", "while"];

/// Why a text is not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooDeep {
    #[error(
        "this is nested more than {BRACKETS} brackets deep, which no compiler takes; give parts of it names of their \
         own with `let`, `fn` or `type`"
    )]
    Brackets,
    #[error(
        "one expression or type here has more than {PIECES} parts, which no compiler takes; give parts of it names \
         of their own with `let` or `type`, or compute it in a loop"
    )]
    Pieces,
    #[error("there is no memory for the stack that this deeply nested text needs; split it into smaller statements")]
    NoStack,
}

/// What stands between two brackets so far.
#[derive(Default)]
struct Frame {
    /// Pieces since the last end of a statement or element.
    chain: usize,
    /// `<` that are not closed: a comma then ends no element.
    angles: usize,
    /// Closures begin with `|`, between which commas end no element either.
    closures: bool,
    /// The last piece was `}`, after which a word begins a new statement.
    closed: bool,
    /// An operand may follow: so `|` begins a closure.
    operand: bool,
    /// The last mark, if nothing came in between.
    mark: Option<char>,
}

/// The most that the syntax tree of `text` can be deep.
pub(crate) fn measure(text: &str) -> Result<usize, TooDeep> {
    let mut frames = vec![Frame { operand: true, ..Frame::default() }];
    // The chains of all frames.
    let mut depth = 0;
    let mut deepest = 0;
    for (_, piece) in pieces(text) {
        // What closes too much is not parsed beyond that.
        let Some(frame) = frames.last_mut() else { break };
        depth -= frame.chain;
        frame.take(piece);
        depth += frame.chain;
        deepest = deepest.max(depth);
        match piece {
            Piece::Open(_) => frames.push(Frame { operand: true, ..Frame::default() }),
            Piece::Close(c) => {
                let inside = frames.pop().unwrap_or_default();
                depth -= inside.chain;
                if let Some(frame) = frames.last_mut() {
                    frame.closed = c == '}';
                }
            }
            _ => {}
        }
        if frames.len() > BRACKETS {
            return Err(TooDeep::Brackets);
        }
        if depth > PIECES {
            return Err(TooDeep::Pieces);
        }
    }
    Ok(deepest)
}

impl Frame {
    fn take(&mut self, piece: Piece<'_>) {
        // What a bracket has closed goes on after these.
        let joins = matches!(piece, Piece::Word("else" | "as"));
        let begins = !joins && matches!(piece, Piece::Word(_) | Piece::Quoted | Piece::Mark('#'));
        let ends = match piece {
            Piece::Mark(';') => true,
            Piece::Mark(',') => self.angles == 0 && !self.closures,
            _ => self.closed && begins,
        };
        if ends {
            *self = Self { operand: true, ..Self::default() };
        }
        self.chain += 1;
        match piece {
            Piece::Mark('<') => self.angles += 1,
            // Not `->` and `=>`.
            Piece::Mark('>') if !matches!(self.mark, Some('-' | '=')) => self.angles = self.angles.saturating_sub(1),
            Piece::Mark('|') => self.closures |= self.operand,
            _ => {}
        }
        self.operand = match piece {
            Piece::Mark(c) => c != '?',
            Piece::Word(word) => PREFIXES.contains(&word),
            _ => false,
        };
        self.mark = if let Piece::Mark(c) = piece { Some(c) } else { None };
        self.closed = false;
    }
}

/// Has `parse` read `text` on a stack that is large enough for it.
///
/// # Errors
/// When no stack would be.
pub(crate) fn parse<T: Send>(text: &str, parse: impl FnOnce(&str) -> T + Send) -> Result<T, TooDeep> {
    if measure(text)? <= SHALLOW {
        return Ok(parse(text));
    }
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("parser".to_owned()).stack_size(STACK);
        let parser = builder.spawn_scoped(scope, || parse(text)).map_err(|_| TooDeep::NoStack)?;
        Ok(parser.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::{BRACKETS, PIECES, SHALLOW, TooDeep, measure, parse};

    #[test]
    fn what_stands_side_by_side_is_not_deep() {
        for (text, times) in [
            ("let a = 1;\n", 100_000),
            ("[1.5, 2.5], (3, 4), {5}, ", 100_000),
            ("Vec<u8>, a | b, f(x)?, ", 100_000),
            ("if a < b { f() } ", 100_000),
            ("#[test] fn f<T>() -> u8 { 1 }\n", 100_000),
            ("/* ( */ \"[{\" , '(' , // {\n", 100_000),
        ] {
            let deep = measure(&text.repeat(times)).expect(text);
            assert!(deep <= SHALLOW, "{text}: {deep}");
        }
    }

    #[test]
    fn what_is_inside_one_another_is_deep() {
        for text in [
            "- ",
            "! ",
            "& ",
            "1 + ",
            "Vec<",
            "V<u8, V<u8, ",
            "|| ",
            "|a, b| ",
            "return ",
            "a.",
            ".f(1)",
            "if x {} else ",
            "x as ",
            "match ",
            "fn() -> ",
            "f()",
            "a = ",
            "1.. ",
            "'a: ",
            "a ? ",
            "x::<",
            "move |a, (b, c)| ",
        ] {
            assert_eq!(measure(&text.repeat(100_000)), Err(TooDeep::Pieces), "{text}");
            let deep = measure(&text.repeat(1_000)).expect(text);
            assert!((1_000..PIECES).contains(&deep), "{text}: {deep}");
        }
        for text in ["(", "[", "{", "mod m {", "f(", "a!{", "|| {", "if a { "] {
            assert_eq!(measure(&text.repeat(BRACKETS + 1)), Err(TooDeep::Brackets), "{text}");
        }
    }

    #[test]
    fn the_stack_holds_what_is_let_through() {
        for (text, inner, end) in [
            ("{", "1", "}"),
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("f(", "1", ")"),
            ("|a, b| ", "1", ""),
            ("- ", "1", ""),
            ("& ", "1", ""),
            ("1 + ", "1", ""),
            ("if a {} else ", "{}", ""),
            ("return ", "1", ""),
            ("if a {", "", "}"),
            ("|| {", "", "}"),
            ("Vec::<", "u8", ">::a"),
            ("if let Some(a) = b { c } else ", "{}", ""),
        ] {
            let least = BRACKETS - 10;
            let most = PIECES - 10;
            let times = (1..=most).rev().step_by(5_000).find(|times| {
                let text = format!("{}{inner}{}", text.repeat(*times), end.repeat(*times));
                measure(&text).is_ok()
            });
            let times = times.unwrap_or(least);
            let text = format!("{}{inner}{}", text.repeat(times), end.repeat(times));
            let parsed = parse(&text, |text| syn::parse_str::<syn::Expr>(text).map(drop).map_err(|it| it.to_string()));
            assert_eq!(parsed, Ok(Ok(())), "{times} times {:.20}", text);
        }
    }
}

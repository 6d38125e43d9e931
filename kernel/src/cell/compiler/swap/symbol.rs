//! The grammar of rustc's v0 symbols, as far as it takes to find where the path of the function ends.
//!
//! `_R <path> [<instantiating crate>]`: the same generic function, instantiated by two crates, is told apart by the
//! second part only. Backreferences count from the beginning, so the first part means the same without it.

/// How deep paths and types may be nested; none of a compiler's symbols comes near.
const DEPTH: usize = 400;

/// The part of a symbol that names the function, with all of its types, disambiguators and crates; `None` for
/// what is no v0 symbol, or has an ending of LLVM's.
pub(super) fn function(symbol: &str) -> Option<&str> {
    let mut parser = Parser { rest: symbol.strip_prefix("_R")?.as_bytes(), depth: 0 };
    // What is encoded in a later version of the grammar starts with a digit.
    parser.path()?;
    let length = symbol.len() - parser.rest.len();
    if !parser.rest.is_empty() {
        parser.path()?;
    }
    parser.rest.is_empty().then(|| &symbol[..length])
}

struct Parser<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn path(&mut self) -> Option<()> {
        self.nested(|parser| match parser.next()? {
            b'C' => parser.identifier(),
            b'M' => {
                parser.impl_path()?;
                parser.ty()
            }
            b'X' => {
                parser.impl_path()?;
                parser.ty()?;
                parser.path()
            }
            b'Y' => {
                parser.ty()?;
                parser.path()
            }
            b'N' => {
                parser.next().filter(u8::is_ascii_alphabetic)?;
                parser.path()?;
                parser.identifier()
            }
            b'I' => {
                parser.path()?;
                parser.until_end(Self::generic)
            }
            b'B' => parser.base_62(),
            _ => None,
        })
    }

    fn impl_path(&mut self) -> Option<()> {
        self.disambiguator()?;
        self.path()
    }

    fn generic(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'L' => self.lifetime(),
            b'K' => {
                self.next();
                self.constant()
            }
            _ => self.ty(),
        }
    }

    fn ty(&mut self) -> Option<()> {
        self.nested(|parser| {
            match parser.rest.first()? {
                b'C' | b'M' | b'X' | b'Y' | b'N' | b'I' => return parser.path(),
                _ => {}
            }
            match parser.next()? {
                b'A' => {
                    parser.ty()?;
                    parser.constant()
                }
                b'S' | b'P' | b'O' => parser.ty(),
                b'R' | b'Q' => {
                    if parser.rest.first() == Some(&b'L') {
                        parser.lifetime()?;
                    }
                    parser.ty()
                }
                b'T' => parser.until_end(Self::ty),
                b'F' => parser.signature(),
                b'D' => {
                    parser.binder()?;
                    parser.until_end(Self::dyn_trait)?;
                    parser.lifetime()
                }
                b'W' => {
                    parser.ty()?;
                    parser.pattern()
                }
                b'B' => parser.base_62(),
                basic => basic.is_ascii_lowercase().then_some(()),
            }
        })
    }

    fn signature(&mut self) -> Option<()> {
        self.binder()?;
        self.eat(b'U');
        if self.eat(b'K') && !self.eat(b'C') {
            self.name()?;
        }
        self.until_end(Self::ty)?;
        self.ty()
    }

    fn dyn_trait(&mut self) -> Option<()> {
        self.path()?;
        while self.eat(b'p') {
            self.name()?;
            if self.eat(b'K') { self.constant()? } else { self.ty()? }
        }
        Some(())
    }

    fn pattern(&mut self) -> Option<()> {
        match self.next()? {
            b'R' => {
                self.constant()?;
                self.constant()
            }
            b'O' => self.until_end(Self::pattern),
            b'N' => Some(()),
            _ => None,
        }
    }

    fn constant(&mut self) -> Option<()> {
        self.nested(|parser| match parser.next()? {
            b'B' => parser.base_62(),
            b'p' => Some(()),
            // A reference, or the bytes of a `str`.
            b'R' | b'Q' => parser.constant(),
            b'A' | b'T' => parser.until_end(Self::constant),
            b'V' => parser.variant(),
            basic if basic.is_ascii_lowercase() => {
                parser.eat(b'n');
                while parser.rest.first().is_some_and(u8::is_ascii_hexdigit) {
                    parser.next();
                }
                parser.eat(b'_').then_some(())
            }
            _ => None,
        })
    }

    fn variant(&mut self) -> Option<()> {
        match self.next()? {
            b'U' => self.path(),
            b'T' => {
                self.path()?;
                self.until_end(Self::constant)
            }
            b'S' => {
                self.path()?;
                self.until_end(|parser| {
                    parser.identifier()?;
                    parser.constant()
                })
            }
            _ => None,
        }
    }

    fn until_end(&mut self, mut part: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        while !self.eat(b'E') {
            part(self)?;
        }
        Some(())
    }

    fn lifetime(&mut self) -> Option<()> {
        self.eat(b'L').then_some(())?;
        self.base_62()
    }

    fn binder(&mut self) -> Option<()> {
        if self.eat(b'G') { self.base_62() } else { Some(()) }
    }

    fn identifier(&mut self) -> Option<()> {
        self.disambiguator()?;
        self.name()
    }

    fn disambiguator(&mut self) -> Option<()> {
        if self.eat(b's') { self.base_62() } else { Some(()) }
    }

    fn name(&mut self) -> Option<()> {
        self.eat(b'u');
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length: usize = if self.rest.first() == Some(&b'0') {
            self.next();
            0
        } else {
            let (number, rest) = self.rest.split_at(digits);
            self.rest = rest;
            std::str::from_utf8(number).ok()?.parse().ok()?
        };
        // Divides the length from a name that starts with a digit or with this.
        self.eat(b'_');
        self.rest = self.rest.get(length..)?;
        Some(())
    }

    fn base_62(&mut self) -> Option<()> {
        while !self.eat(b'_') {
            self.next().filter(u8::is_ascii_alphanumeric)?;
        }
        Some(())
    }

    fn nested(&mut self, part: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if self.depth == DEPTH {
            return None;
        }
        self.depth += 1;
        let parsed = part(self);
        self.depth -= 1;
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::function;

    #[test]
    fn the_crate_that_instantiated_a_function_is_no_part_of_its_name() {
        let put = "_RINvNtNtCs5JieqkDkorU_3lab4host5store3puthE";
        assert_eq!(function(&format!("{put}Cs19LNNGe5s6f_21cell_c1fc2241fb159d34")), Some(put));
        assert_eq!(function(put), Some(put));
        let each = "_RINvCs19LNNGe5s6f_4cell4eachNtNCNvB2_4body01SE";
        assert_eq!(function(&format!("{each}B2_")), Some(each));
    }

    #[test]
    fn two_local_items_of_one_name_are_two() {
        let [first, second] =
            ["_RNvXNCNvCs1_4cell4body0NtB2_1SNtB6_2Go2go", "_RNvXs_NCNvCs1_4cell4body0NtB4_s_1SNtB8_2Go2go"];
        assert_eq!(function(first), Some(first));
        assert_eq!(function(second), Some(second));
    }

    #[test]
    fn what_is_no_symbol_of_this_grammar_names_no_function() {
        for symbol in [
            "main",
            "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
            "_R",
            "_RNvC4cell1f.llvm.17",
            "_RNvC4cell9f",
            "_R1NvC4cell1f",
        ] {
            assert_eq!(function(symbol), None, "{symbol}");
        }
        assert_eq!(function(&format!("_R{}", "Nv".repeat(100_000))), None);
    }
}

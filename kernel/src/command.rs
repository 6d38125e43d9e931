//! Lines at the top of a cell that start with a colon.

use crate::cell::compiler::level;
use crate::cell::failure::Failure;

/// Shown by `:help`.
pub(crate) const HELP: &str = "\
assay: Rust for deep learning, in a notebook

A cell is Rust. What it defines at its top level is there in later cells; the value of a last expression
without a semicolon is shown. `use lab::prelude::*` is there from the start, with dfdx and Polars in it.

  :help            this page
  :vars            the variables: name, type, size, the cell that made them
  :opt 0..3|auto   optimisation of the cells that follow; `// opt: 3` in a cell is for that cell.
                   auto: a cell starts as soon as can be, and is optimised while it runs
  :dep NAME = \"1\"  add a crate, as in Cargo.toml; variables are kept
  :restart         forget all variables and definitions
  :code            the crate that the cell before this one became, as it was compiled

A cell that panics, returns an error with `?` or is interrupted keeps what it made before that line, and the
variables of earlier cells. A variable that a cell moves is gone afterwards: write `.clone()` or `&`. References
do not outlive their cell; closures have to be boxed. The interrupt button stops any code of a cell, training at
the next step. `input(\"name? \")?` asks for a line; standard input is empty.

Runs:  let run = tracker::Run::start(\"name\", &config)?;  run.log(\"loss\", step, value);
       tracker::runs()      all runs as a table; `assay runs` in a terminal shows the same
";

/// Every command, for completion.
pub(crate) const NAMES: [&str; 6] = ["code", "dep", "help", "opt", "restart", "vars"];

/// One command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Vars,
    Opt(u8),
    Restart,
    Code,
    /// What follows `:dep`.
    Dep(String),
}

/// Separates a cell's commands from its code; their lines stay, empty, so that line numbers hold.
pub(crate) fn split(cell: &str) -> Result<(Vec<Command>, String), Failure> {
    let mut commands = Vec::new();
    let mut code = String::with_capacity(cell.len());
    let mut lines = cell.split_inclusive('\n').peekable();
    while let Some(line) = lines.next_if(|line| line.trim().is_empty() || line.trim_start().starts_with(':')) {
        if let Some(command) = line.trim().strip_prefix(':') {
            commands.push(parse(command)?);
        }
        code.push_str(if line.ends_with('\n') { "\n" } else { "" });
    }
    code.extend(lines);
    Ok((commands, code))
}

fn parse(command: &str) -> Result<Command, Failure> {
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    match (name, rest) {
        ("help", _) => Ok(Command::Help),
        ("vars", _) => Ok(Command::Vars),
        ("restart", _) => Ok(Command::Restart),
        ("code", _) => Ok(Command::Code),
        ("dep", "") => Err(refuse(":dep needs a crate, for example `:dep regex = \"1\"`")),
        ("dep", rest) => Ok(Command::Dep(rest.to_owned())),
        ("opt", "auto") => Ok(Command::Opt(level::AUTO)),
        ("opt", "0" | "1" | "2" | "3") => Ok(Command::Opt(rest.parse().unwrap_or(level::AUTO))),
        ("opt", _) => Err(refuse("`:opt` takes 0, 1, 2, 3 or auto")),
        _ => Err(refuse(&format!("there is no command `:{name}`; `:help` lists them"))),
    }
}

fn refuse(message: &str) -> Failure {
    Failure::new("CommandError", message)
}

#[cfg(test)]
mod tests {
    use super::{Command, split};

    #[test]
    fn commands_leave_the_line_numbers_as_they_are() {
        let (commands, code) = split(":opt 3\n\n:vars\nlet a = 1;\na").expect("a good cell");
        assert_eq!(commands, [Command::Opt(3), Command::Vars]);
        assert_eq!(code, "\n\n\nlet a = 1;\na");
    }

    #[test]
    fn a_mistake_is_named_with_its_remedy() {
        for (cell, part) in [(":opt 9", "0, 1, 2, 3"), (":dep", "regex"), (":nosuch 1", "`:nosuch`")] {
            let failure = split(cell).expect_err(cell);
            assert!(failure.message.contains(part), "{cell}: {}", failure.message);
        }
    }
}

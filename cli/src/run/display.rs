//! How `assay run` shows its progress: a moving line on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use kernel::notebook::{CellFailure, Progress};

/// Elsewhere than on a terminal, a cell that prints is heard of this often.
const QUIET: Duration = Duration::from_secs(10);
/// The longest piece of a cell's source that is shown.
const TITLE: usize = 60;

/// What is on the screen.
pub(crate) struct Display {
    terminal: bool,
    bar: Option<ProgressBar>,
    title: String,
    said: Instant,
}

impl Display {
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), bar: None, title: String::new(), said: Instant::now() }
    }

    pub(crate) fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Starting { total } => {
                self.start("starting the kernel", &format!("{total} cells: starting the kernel"))
            }
            Progress::CellStarted { number, total, source } => {
                self.title = format!("[{number}/{total}] {}", title(source));
                let title = self.title.clone();
                self.start(&title, &title);
            }
            Progress::Printed { line } => self.printed(line),
            Progress::CellFinished { elapsed, failed, .. } => {
                self.end();
                let mark = if failed { "failed after" } else { "" };
                say(&format!(
                    "{} ... {mark}{}{:.1} s",
                    self.title,
                    if failed { " " } else { "" },
                    elapsed.as_secs_f64()
                ));
            }
        }
    }

    /// Removes the moving line.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn start(&mut self, moving: &str, plain: &str) {
        self.end();
        self.said = Instant::now();
        if self.terminal {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} ... {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(moving.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            self.bar = Some(bar);
        } else {
            say(plain);
        }
    }

    fn printed(&mut self, line: &str) {
        let line = plain(line);
        if line.is_empty() {
            return;
        }
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if self.said.elapsed() >= QUIET => {
                self.said = Instant::now();
                say(&format!("    {line}"));
            }
            None => {}
        }
    }
}

/// Prints what a failing cell said.
pub(crate) fn print_failure(failure: &CellFailure) -> std::io::Result<()> {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut text = failure.traceback.join("\n");
    if text.trim().is_empty() {
        text = format!("{}: {}", failure.ename, failure.evalue);
    }
    if !colours {
        text = without_colours(&text);
    }
    writeln!(std::io::stderr().lock(), "\n{}\n", text.trim_end())
}

/// Prints a line of the result.
pub(crate) fn print_line(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

/// A closed stderr must not end a training.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The first line of a cell that says something.
fn title(source: &str) -> String {
    let lines = || source.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines().find(|line| !line.starts_with("//")).or_else(|| lines().next()).unwrap_or_default();
    let mut title: String = line.chars().take(TITLE).collect();
    if title.len() < line.len() {
        title.push('…');
    }
    title
}

/// One line of text that cannot move the cursor.
fn plain(line: &str) -> String {
    without_colours(line).chars().filter(|character| !character.is_control()).collect::<String>().trim().to_owned()
}

/// Removes ANSI escape sequences.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        // `ESC [ ... letter`; any other escape is two characters long.
        if characters.next() == Some('[') {
            characters.by_ref().find(|character| ('\u{40}'..='\u{7e}').contains(character));
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_of_code() {
        assert_eq!(title("\n// about it\n  let x = 1;\nx"), "let x = 1;");
        assert_eq!(title("// only this"), "// only this");
        assert_eq!(title(&"é".repeat(100)), "é".repeat(TITLE) + "…");
        assert_eq!(title(""), "");
    }

    #[test]
    fn colours_and_cursor_movements_are_removed() {
        assert_eq!(without_colours("\u{1b}[1;31mred\u{1b}[0m\n\u{1b}"), "red\n");
        assert_eq!(plain("\u{1b}[2K 10%\r"), "10%");
    }
}

//! A progress bar: one output redrawn in place in a notebook, one line in a terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

use crate::display::{DisplayHandle, MimeBundle, escape};
use crate::host;

/// At most ten drawings a second.
const EVERY: Duration = Duration::from_millis(100);
/// Width of the bar in characters.
const WIDTH: usize = 24;

/// What the bar says.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) title: String,
    pub(super) total: usize,
    pub(super) done: usize,
    /// How much of the epoch that is running is done, from 0 to 1, where that is known.
    pub(super) part: f64,
    pub(super) metrics: Vec<(String, f64)>,
    started: Instant,
    drawn: Option<Instant>,
    place: Option<DisplayHandle>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Finished,
    Stopped,
}

impl Bar {
    pub(super) fn new(total: usize) -> Self {
        Self {
            title: "epoch".to_owned(),
            total,
            done: 0,
            part: 0.0,
            metrics: Vec::new(),
            started: Instant::now(),
            drawn: None,
            place: None,
            state: State::Running,
        }
    }

    /// Draws, unless it was drawn a moment ago.
    pub(super) fn draw(&mut self) {
        if self.is_due() {
            self.draw_now();
        }
    }

    /// Whether it was not drawn just now.
    pub(super) fn is_due(&self) -> bool {
        self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY)
    }

    /// Draws the last state: all epochs done, or stopped before.
    pub(super) fn end(&mut self) {
        if self.state == State::Running {
            self.state = if self.done == self.total { State::Finished } else { State::Stopped };
            self.draw_now();
        }
    }

    fn draw_now(&mut self) {
        self.drawn = Some(Instant::now());
        if host::attached() {
            let bundle = MimeBundle::new().with_text(self.text()).with_html(self.html());
            match &self.place {
                Some(place) => place.replace(bundle),
                None => self.place = Some(DisplayHandle::with(bundle)),
            }
        } else if std::io::stderr().is_terminal() {
            let end = if self.state == State::Running { "" } else { "\n" };
            eprint!("\r\x1b[2K{}{end}", self.text());
            let _ = std::io::stderr().flush();
        } else if self.state != State::Running {
            eprintln!("{}", self.text());
        }
    }

    fn text(&self) -> String {
        let full = self.filled(WIDTH);
        let bar = format!("{}{}", "━".repeat(full), "─".repeat(WIDTH - full));
        format!("{} {}/{} {bar} {}", self.title, self.done, self.total, self.details())
    }

    fn html(&self) -> String {
        let color = match self.state {
            State::Running => "#0072B2",
            State::Finished => "#009E73",
            State::Stopped => "#D55E00",
        };
        format!(
            "<div style=\"font-family:ui-monospace,Menlo,Consolas,monospace;font-size:90%;line-height:1.6\">{} {}/{} \
             <span style=\"display:inline-block;vertical-align:middle;width:180px;height:8px;border-radius:4px;\
             background:rgba(128,128,128,.3)\"><span style=\"display:block;width:{}%;height:8px;border-radius:4px;\
             background:{color}\"></span></span> {}</div>",
            escape(&self.title),
            self.done,
            self.total,
            self.filled(100),
            escape(&self.details())
        )
    }

    fn details(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.metrics {
            let _ = write!(out, "{name} {} · ", short(*value));
        }
        let spent = self.started.elapsed();
        out.push_str(&seconds(spent));
        match self.state {
            State::Stopped => out.push_str(" · stopped early"),
            State::Running if self.finished() > 0.0 => {
                let _ = write!(out, " · {} left", seconds(self.left(spent)));
            }
            _ => {}
        }
        out
    }

    fn left(&self, spent: Duration) -> Duration {
        let to_do = 1.0 / self.finished() - 1.0;
        Duration::try_from_secs_f64(spent.as_secs_f64() * to_do).unwrap_or(Duration::MAX)
    }

    /// How much of all is done, from 0 to 1.
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^52
    fn finished(&self) -> f64 {
        if self.total == 0 { 1.0 } else { ((self.done as f64 + self.part) / self.total as f64).min(1.0) }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a part of `width`
    fn filled(&self, width: usize) -> usize {
        (self.finished() * width as f64) as usize
    }
}

/// A number in as few characters as tell it apart.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) && value.is_finite() {
        return format!("{value:.2e}");
    }
    format!("{value:.4}")
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_it_is() {
        let mut bar = Bar::new(4);
        bar.done = 1;
        bar.metrics = vec![("loss".to_owned(), 0.25), ("rate".to_owned(), 1e-5)];
        let text = bar.text();
        assert!(text.starts_with("epoch 1/4 ━━━━━━──────────────────"), "{text}");
        assert!(text.contains("loss 0.2500 · rate 1.00e-5") && text.ends_with("left"), "{text}");
        assert!(bar.html().contains("width:25%"));
        bar.part = 0.5;
        assert!(bar.html().contains("width:37%"));
    }

    #[test]
    fn an_early_end_is_said() {
        let mut bar = Bar::new(4);
        bar.done = 2;
        bar.end();
        assert!(bar.text().ends_with("stopped early"));
        assert_eq!(Bar::new(0).filled(10), 10);
    }

    #[test]
    fn times_are_readable() {
        let texts = [1.25, 75.0, 3700.0].map(|time| seconds(Duration::from_secs_f64(time)));
        assert_eq!(texts, ["1.2 s", "1:15 min", "1:01 h"]);
    }
}

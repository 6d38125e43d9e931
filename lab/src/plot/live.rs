//! A figure that is drawn again and again under the running cell, as points come in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::chart::Draw;
use super::{LineChart, figure, line_chart};
use crate::display::{DisplayHandle, MimeBundle, Pending, Show, register};

/// At most six drawings a second, however fast points come.
const EVERY: Duration = Duration::from_millis(160);

/// Charts side by side that redraw in place. The last state is always shown: at the end of the epoch
/// loop, of the cell, or when it is dropped.
#[derive(Debug, Clone)]
pub struct LiveChart {
    live: Arc<Live>,
}

#[derive(Debug)]
struct Live {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    charts: Vec<LineChart>,
    place: Option<DisplayHandle>,
    drawn: Option<Instant>,
    newer: bool,
}

impl LiveChart {
    /// A chart for each title, over epochs. Nothing is shown before the first point.
    pub fn new<S: AsRef<str>>(titles: &[S]) -> Self {
        Self::of(titles.iter().map(|title| line_chart(title.as_ref()).x_label("epoch")).collect())
    }

    /// Charts with axes as they were set.
    pub fn of(charts: Vec<LineChart>) -> Self {
        let state = State { charts, place: None, drawn: None, newer: false };
        let live = Arc::new(Live { state: Mutex::new(state) });
        register(&live);
        Self { live }
    }

    /// Adds a point at step `x` to a line of the chart with this title; a title that is new adds a chart.
    pub fn point(&self, title: &str, line: &str, x: usize, y: f64) {
        self.live.lock().push(title, line, x, y);
    }

    /// Draws what has come in, now.
    pub fn draw(&self) {
        self.live.lock().draw_now();
    }

    /// The picture as an SVG document, for the tracker or a file.
    pub fn svg(&self) -> String {
        figure::svg(&self.live.lock().drawn())
    }
}

impl Show for LiveChart {
    fn show(&self) -> MimeBundle {
        let mut state = self.live.lock();
        state.newer = false;
        state.show()
    }
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending for Live {
    fn flush(&self) {
        self.lock().draw_newer();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.lock().draw_newer();
    }
}

impl State {
    fn drawn(&self) -> Vec<&dyn Draw> {
        self.charts.iter().map(|chart| chart as &dyn Draw).collect()
    }

    fn show(&self) -> MimeBundle {
        let charts = self.drawn();
        MimeBundle::new().with_text(figure::text(&charts)).with_svg(figure::svg(&charts))
    }

    #[allow(clippy::cast_precision_loss)] // steps are far below 2^52
    fn push(&mut self, title: &str, line: &str, x: usize, y: f64) {
        let charts = &mut self.charts;
        let index = charts.iter().position(|chart| chart.labels.title == title).unwrap_or_else(|| {
            charts.push(line_chart(title).x_label("epoch"));
            charts.len() - 1
        });
        charts[index].push(line, x as f64, y);
        self.newer = true;
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.draw_now();
        }
    }

    fn draw_newer(&mut self) {
        if self.newer {
            self.draw_now();
        }
    }

    fn draw_now(&mut self) {
        self.newer = false;
        self.drawn = Some(Instant::now());
        // Where there is no notebook, a picture can't be shown, and its text would only repeat the bar's.
        if !crate::host::attached() {
            return;
        }
        let bundle = self.show();
        match &self.place {
            Some(place) => place.replace(bundle),
            None => self.place = Some(DisplayHandle::with(bundle)),
        }
    }
}

//! `assay compare --chart`: a comparison as SVG.

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use tracker::chart::{checked_weight, main_metric};
use tracker::{By, Chart, Curves, RunRecord, Store, bands, curves, parallel, scatter};

use crate::table;

/// What is drawn, and where to.
#[derive(clap::Args)]
#[command(next_help_heading = "Charts")]
pub(super) struct Drawing {
    /// Draw a chart instead of the table [default with --out: what the other options are for, or curves]
    #[arg(long, value_name = "KIND", value_enum, conflicts_with_all = ["json", "groups", "all", "baseline"])]
    chart: Option<Kind>,

    /// Write the chart to this file, which ends in .svg; without it, it is printed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "groups", "all", "baseline"])]
    out: Option<PathBuf>,

    /// What is drawn [default: the first metric that is better high or low]; for parallel, also loss.min, .max, .best
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,

    /// Smooth curves by an exponential moving average of this weight, from 0 to below 1; also in the table
    #[arg(long, value_name = "WEIGHT")]
    smooth: Option<f64>,

    /// Make the axis across logarithmic
    #[arg(long)]
    log_x: bool,

    /// Make the axis upward logarithmic; also in the table
    #[arg(long)]
    pub(super) log_y: bool,

    /// Draw curves over steps, the time since the start of their run, or the time of the day
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<Over>,

    /// Make runs one line that have the same under these keys: parameters, tags, group [default: that differ
    /// only in a seed]
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    group_by: Vec<String>,

    /// What a scatter is drawn over: a parameter, a metric (loss, loss.min), a tag, duration, started, group
    #[arg(long, value_name = "KEY")]
    x: Option<String>,

    /// What a scatter draws [default: the metric]
    #[arg(long, value_name = "KEY")]
    y: Option<String>,

    /// The axes of parallel coordinates before the metric [default: the parameters that differ]
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    axes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A metric of each run
    Curves,
    /// The mean of repeated runs with its 95 % band
    Bands,
    /// Parameters and a metric as axes, a line for each run
    Parallel,
    /// One thing against another, a dot for each run
    Scatter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Over {
    Step,
    Time,
    Wall,
}

impl From<Over> for By {
    fn from(over: Over) -> Self {
        match over {
            Over::Step => Self::Step,
            Over::Time => Self::Time,
            Over::Wall => Self::Wall,
        }
    }
}

impl Drawing {
    /// Whether a chart is asked for, and not the table.
    pub(super) fn is_wanted(&self) -> bool {
        self.chart.is_some() || self.out.is_some()
    }

    /// How much curves are smoothed.
    pub(super) fn weight(&self) -> anyhow::Result<f64> {
        for (option, kinds, given) in self.given().into_iter().filter(|(option, ..)| !SMALL.contains(option)) {
            ensure!(!given, "{option} is for a chart ({}): add --chart or --out", named(kinds));
        }
        Ok(checked_weight(self.smooth.unwrap_or(0.0))?)
    }

    /// Draws the chart of some runs into the file, or prints it.
    pub(super) fn draw(&self, store: &Store, runs: &[RunRecord]) -> anyhow::Result<()> {
        if let Some(path) = &self.out {
            writable(path)?;
        }
        let picture = self.what(runs)?.draw(store, runs)?;
        let Some(path) = &self.out else {
            return table::print(&picture.svg);
        };
        std::fs::write(path, picture.svg).with_context(|| format!("{} could not be written", path.display()))?;
        table::print(&format!("wrote {}\n", path.display()))
    }

    fn what(&self, runs: &[RunRecord]) -> anyhow::Result<Box<dyn Chart>> {
        let kind = self.kind();
        for (option, kinds, given) in self.given() {
            let fits = !given || kinds.contains(&kind);
            ensure!(fits, "{option} is for --chart {}, not for {}", named(kinds), name(kind));
        }
        let metric = || match self.metric.clone().or_else(|| main_metric(runs)) {
            Some(metric) => Ok(metric),
            None => bail!("the runs have logged no metric: there is nothing to draw"),
        };
        Ok(match kind {
            Kind::Curves => Box::new(self.lines(curves(metric()?))),
            Kind::Bands => Box::new(self.lines(bands(metric()?))),
            Kind::Parallel => Box::new(self.axes.iter().fold(parallel(metric()?), |chart, key| chart.axis(key))),
            Kind::Scatter => {
                let x = self.x.clone().context("a scatter needs what it is drawn over: add --x, such as --x lr")?;
                let y = self.y.clone().map_or_else(metric, Ok)?;
                let chart = scatter(x, y);
                let chart = if self.log_x { chart.log_x() } else { chart };
                Box::new(if self.log_y { chart.log_y() } else { chart })
            }
        })
    }

    fn kind(&self) -> Kind {
        self.chart.unwrap_or(if self.x.is_some() || self.y.is_some() {
            Kind::Scatter
        } else if !self.axes.is_empty() {
            Kind::Parallel
        } else if !self.group_by.is_empty() {
            Kind::Bands
        } else {
            Kind::Curves
        })
    }

    fn lines(&self, chart: Curves) -> Curves {
        let chart = chart.smooth(self.smooth.unwrap_or(0.0)).by(self.by.map_or(By::Step, By::from));
        let chart = if self.log_x { chart.log_x() } else { chart };
        let chart = if self.log_y { chart.log_y() } else { chart };
        self.group_by.iter().fold(chart, |chart, key| chart.group_by(key))
    }

    /// Each option, the kinds of chart that it is for, and whether it was given.
    fn given(&self) -> [(&'static str, &'static [Kind], bool); 9] {
        use Kind::{Bands, Curves, Parallel, Scatter};
        [
            ("--metric", &[Curves, Bands, Parallel, Scatter], self.metric.is_some()),
            ("--smooth", &[Curves, Bands], self.smooth.is_some()),
            ("--log-x", &[Curves, Bands, Scatter], self.log_x),
            ("--log-y", &[Curves, Bands, Scatter], self.log_y),
            ("--by", &[Curves, Bands], self.by.is_some()),
            ("--group-by", &[Bands], !self.group_by.is_empty()),
            ("--x", &[Scatter], self.x.is_some()),
            ("--y", &[Scatter], self.y.is_some()),
            ("--axes", &[Parallel], !self.axes.is_empty()),
        ]
    }
}

/// What the small charts of the table know too.
const SMALL: [&str; 2] = ["--smooth", "--log-y"];

fn named(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| name(*kind)).collect::<Vec<_>>().join(", ")
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Curves => "curves",
        Kind::Bands => "bands",
        Kind::Parallel => "parallel",
        Kind::Scatter => "scatter",
    }
}

fn writable(path: &Path) -> anyhow::Result<()> {
    let svg = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("svg"));
    ensure!(
        svg,
        "{} does not end in .svg: a chart is written as SVG (in a cell, its `save` writes .png too)",
        path.display()
    );
    ensure!(!path.exists(), "{} exists already: name another --out", path.display());
    Ok(())
}

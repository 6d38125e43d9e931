//! Comparisons of runs as charts under a cell.

use std::path::Path;

use ::tracker::{Chart, Error, Picture, Query, RunRecord, Store};

use crate::display::{MimeBundle, Show};
use crate::plot::{PlotError, save};

/// Draws runs of the default database as a chart: [`curves`](super::curves), [`bands`](super::bands),
/// [`parallel`](super::parallel) or [`scatter`](super::scatter). It is the picture that `assay compare --chart` writes.
///
/// ```ignore
/// tracker::plot(&["3f2a", "b81c"], tracker::curves("loss").smooth(0.9).log_y())?
/// tracker::plot("group = sweep", tracker::bands("accuracy").group_by("lr"))?.save("bands.png")?
/// ```
///
/// # Errors
/// When there is no such run, no run fits the query, or the runs have nothing of that name to draw.
pub fn plot(runs: impl Into<Runs>, chart: impl Chart) -> Result<RunChart, Error> {
    plotted(&runs.into(), &chart)
}

fn plotted(runs: &Runs, chart: &dyn Chart) -> Result<RunChart, Error> {
    let store = Store::open_default()?;
    let runs = runs.read(&store)?;
    Ok(RunChart { picture: chart.draw(&store, &runs)? })
}

/// Which runs: a slice or vector of uids, of their beginnings or of names; a query as text or as a [`Query`]; or
/// runs that were read before.
#[derive(Debug, Clone)]
pub enum Runs {
    /// Each by its uid, the beginning of it, or its name.
    Named(Vec<String>),
    /// What a query finds, in its order.
    Found(Query),
    /// As they are.
    Read(Vec<RunRecord>),
}

impl Runs {
    fn read(&self, store: &Store) -> Result<Vec<RunRecord>, Error> {
        match self {
            Self::Named(names) => names.iter().map(|name| store.run(name)).collect(),
            Self::Found(query) => store.runs(query),
            Self::Read(runs) => Ok(runs.clone()),
        }
    }
}

impl From<&str> for Runs {
    fn from(query: &str) -> Self {
        Self::Found(query.into())
    }
}

impl From<String> for Runs {
    fn from(query: String) -> Self {
        Self::Found(query.into())
    }
}

impl From<Query> for Runs {
    fn from(query: Query) -> Self {
        Self::Found(query)
    }
}

impl From<&[&str]> for Runs {
    fn from(names: &[&str]) -> Self {
        Self::Named(names.iter().map(|&name| name.to_owned()).collect())
    }
}

impl<const N: usize> From<&[&str; N]> for Runs {
    fn from(names: &[&str; N]) -> Self {
        names.as_slice().into()
    }
}

impl<const N: usize> From<[&str; N]> for Runs {
    fn from(names: [&str; N]) -> Self {
        names.as_slice().into()
    }
}

impl From<&[String]> for Runs {
    fn from(names: &[String]) -> Self {
        Self::Named(names.to_vec())
    }
}

impl From<&Vec<String>> for Runs {
    fn from(names: &Vec<String>) -> Self {
        names.as_slice().into()
    }
}

impl From<Vec<String>> for Runs {
    fn from(names: Vec<String>) -> Self {
        Self::Named(names)
    }
}

impl From<&[RunRecord]> for Runs {
    fn from(runs: &[RunRecord]) -> Self {
        Self::Read(runs.to_vec())
    }
}

impl From<Vec<RunRecord>> for Runs {
    fn from(runs: Vec<RunRecord>) -> Self {
        Self::Read(runs)
    }
}

/// A chart of runs, which shows itself under a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunChart {
    picture: Picture,
}

impl RunChart {
    /// The picture as an SVG document.
    pub fn svg(&self) -> &str {
        &self.picture.svg
    }

    /// Writes the picture to a file, as SVG or PNG by what its name ends in.
    ///
    /// # Errors
    /// When the name ends otherwise or the file can't be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PlotError> {
        save(&self.picture.svg, path.as_ref())
    }
}

impl Show for RunChart {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(self.picture.text.as_str()).with_svg(self.picture.svg.as_str())
    }
}

#[cfg(test)]
mod tests {
    use ::tracker::{Run, chart};

    use super::*;

    #[test]
    fn a_cell_a_file_and_the_library_have_the_same_bytes() {
        let folder = std::env::temp_dir().join(format!("lab-runs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("runs.db");
        for (name, rate) in [("a", 0.1), ("b", 0.2)] {
            let run = Run::start_in(&path, name, &serde_json::json!({ "lr": rate })).expect("a run");
            (0..20).for_each(|step| run.log("loss", step, rate * f64::from(step)));
            run.finish().expect("stored");
        }
        let store = Store::open(&path).expect("a database");
        let drawn = |runs: Runs| {
            let runs = runs.read(&store).expect("runs");
            RunChart { picture: chart::curves("loss").smooth(0.9).draw(&store, &runs).expect("a picture") }
        };
        let shown = drawn(["a", "b"].into());
        let svg =
            chart::curves("loss").smooth(0.9).draw(&store, &[store.run("a").expect("a"), store.run("b").expect("b")]);
        let svg = svg.expect("a picture").svg;
        assert_eq!(shown.show().into_map()["image/svg+xml"], svg);
        assert!(shown.show().plain().is_some_and(|text| text.starts_with("loss: a 1.")), "{:?}", shown.show().plain());
        shown.save(folder.join("loss.svg")).expect("an SVG");
        assert_eq!(std::fs::read_to_string(folder.join("loss.svg")).expect("text"), svg);
        shown.save(folder.join("loss.png")).expect("a PNG");
        let picture = image::open(folder.join("loss.png")).expect("a picture").into_rgb8();
        let blue = picture.pixels().filter(|pixel| pixel.0 == [0, 114, 178]).count();
        assert!(blue > 500, "the first run's colour: {blue}");
        assert_eq!(drawn("order by name".into()), shown);
        assert_eq!(drawn(store.find("order by name").expect("runs").into()), shown);
        // Not a letter that a uid may begin with: that would be a run.
        let error = Runs::from(["nobody"]).read(&store).map(|runs| runs.len()).expect_err("no such run").to_string();
        assert!(error.starts_with("no run is called \"nobody\""), "{error}");
        std::fs::remove_dir_all(folder).expect("removed");
    }
}

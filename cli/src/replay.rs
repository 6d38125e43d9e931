//! `assay replay`: runs a run again from its record and says whether it led to the same.

mod again;
mod check;
mod files;
mod history;
mod told;

use std::path::PathBuf;
use std::process::exit;
use std::time::Instant;

use serde::Serialize;
use tracker::{RunRecord, Verdict, format};

use self::again::Again;
use self::check::Check;
use self::history::History;
use crate::table::{self, Database};

/// All values are equal; some differ; it could not be replayed.
const DIFFERS: i32 = 3;
const IMPOSSIBLE: i32 = 4;

/// Run a run again from its record, and compare every value
#[derive(clap::Args)]
#[command(after_help = "\
Examples, a run by the beginning of its uid:
  assay replay 3f2a
  assay replay 3f2a --check          what differs here, without running anything
  assay replay 3f2a --tolerance 1e-6
  assay replay 3f2a --whole          all cells, not only those that the run depends on

The cells run in a fresh kernel and in a folder of their own, with what the run recorded. The replay
is stored as a run that is a replay of the first; the first is not touched.

Exit codes: 0 when all values are equal (with --tolerance: close), 1 for an error, 2 when the arguments
are wrong, 3 when a value differs, 4 when the run can't be replayed.")]
pub(crate) struct Args {
    /// The run: the beginning of its uid, its name or its number
    #[arg(value_name = "RUN")]
    run: String,

    /// Say what is the same here as it was, and stop
    #[arg(long)]
    check: bool,

    /// Run all cells that the run recorded, not only those that it depends on
    #[arg(long, conflicts_with = "check")]
    whole: bool,

    /// Where data files are now that were moved
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// Values that differ by no more than this are close enough
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, value_parser = tolerance)]
    tolerance: f64,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    database: Database,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Outcome<'a> {
    run: &'a str,
    check: &'a Check,
    cells: usize,
    of_cells: usize,
    replay: Option<&'a str>,
    verdict: Option<&'a Verdict>,
    equal: Option<bool>,
    reason: Option<&'a str>,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let store = args.database.open()?;
    let run = store.run(&args.run)?;
    let data = args.data.as_deref().map(std::path::absolute).transpose()?;
    let history = match History::of(&store, &run) {
        Ok(history) => history,
        Err(why) => return refuse(&run, &why.to_string()),
    };
    let check = Check::of(&store, &run, history.session(), data.as_deref())?;
    let cells = history.cells(args.whole);
    let mut outcome = Outcome {
        run: &run.uid,
        check: &check,
        cells: cells.len(),
        of_cells: history.len(),
        replay: None,
        verdict: None,
        equal: None,
        reason: None,
    };
    if !args.json {
        table::print(&head(&run, &outcome, &history))?;
        table::print(&check.page())?;
    }
    if args.check {
        return if args.json { table::print_json(&outcome) } else { Ok(()) };
    }
    if let Some(file) = check.files.iter().find(|file| file.found.is_none()) {
        let path = file.path.display();
        return refuse(&run, &format!("the file {path} is not there any more; `--data FOLDER` says where it is now"));
    }
    let started = Instant::now();
    let again = match Again::run(&run, &history, &cells, &check.files, data.as_deref())? {
        Ok(again) => again,
        Err(why) => return refuse(&run, &why),
    };
    let elapsed = format::duration(i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX));
    let verdict = Verdict::of(&store, &run, again.store(), again.record(), args.tolerance)?;
    let differs = again.differences(&store, &run)?;
    let equal = verdict.is_equal() || args.tolerance > 0.0 && verdict.is_close();
    let reason = (!equal).then(|| told::reason(&verdict, &differs, &check, history.session()));
    let uid = again.keep(&store, &run, &verdict)?;
    (outcome.replay, outcome.verdict, outcome.equal) = (Some(uid.as_str()), Some(&verdict), Some(equal));
    outcome.reason = reason.as_deref();
    if args.json {
        table::print_json(&outcome)?;
    } else {
        table::print(&told::verdict(&verdict, args.tolerance))?;
        if let Some(reason) = &reason {
            table::print(&format!("  {reason}\n"))?;
        }
        let took = format::duration(run.duration_ms);
        table::print(&format!("replayed in {elapsed} (the run took {took}); stored as run {uid}\n"))?;
    }
    if !equal {
        exit(DIFFERS);
    }
    Ok(())
}

fn head(run: &RunRecord, outcome: &Outcome<'_>, history: &History) -> String {
    let name = format::plain(&run.name);
    let mut head = format!(
        "{} {name}, {}: {} of {} cells are to be run again\n",
        run.uid, run.status, outcome.cells, outcome.of_cells
    );
    for lacks in history.lacks() {
        head += &format!("  {lacks}\n");
    }
    head
}

/// Says why a run can't be replayed.
fn refuse(run: &RunRecord, why: &str) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stderr(), "error: run {} can't be replayed: {why}", run.uid)?;
    exit(IMPOSSIBLE);
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("it must be a number, 0 or greater".to_owned()),
    }
}

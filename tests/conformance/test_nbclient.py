"""nbclient executes notebooks through the installed kernel `assay-test`."""

import json
import os
import subprocess

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook


def executed(*sources, **options):
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="assay-test", timeout=120, **options).execute()
    nbformat.validate(notebook)
    return notebook


def test_results_streams_and_counts():
    notebook = executed("let x = 20;", 'println!("out"); eprintln!("err");', "x + 1")
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    streams = {output.name: output.text for output in notebook.cells[1].outputs}
    assert streams == {"stdout": "out\n", "stderr": "err\n"}
    assert notebook.cells[2].outputs[0].data["text/plain"] == "21"


def test_an_error_stops_the_notebook():
    with pytest.raises(CellExecutionError, match="boom"):
        executed('panic!("boom")', "1")


def test_an_allowed_error_keeps_the_variables():
    notebook = executed("let x = 5;", 'panic!("boom")', "x", allow_errors=True)
    assert [output.output_type for output in notebook.cells[1].outputs] == ["error"]
    assert notebook.cells[2].outputs[0].data["text/plain"] == "5"


def shown(run, *arguments):
    """What the command says of a run."""
    return subprocess.check_output([os.environ["ASSAY"], "show", run, *arguments], text=True)


def test_a_run_holds_the_notebook_and_its_cells_as_they_were_executed():
    sources = [
        "let rate = 0.5;",
        "fn halved(x: f64) -> f64 { x / 2.0 }",
        'let run = Run::start("as-executed", &rate)?;',
        "// nothing but a word\n",
        'run.log("loss", 0, halved(rate));',
        "let broken: i32 = rate;",
        "run.finish()?;",
        "let later = 1;",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    client = NotebookClient(notebook, kernel_name="assay-test", timeout=120, allow_errors=True)
    # In another order than they stand, and some of them twice.
    order = [1, 0, 1, 2, 4, 5, 3, 4, 6, 7]
    # Jupyter's server tells the kernel so.
    with client.setup_kernel(env={**os.environ, "JPY_SESSION_NAME": "trials/first.ipynb"}):
        counts = [client.execute_cell(notebook.cells[at], at).execution_count for at in order]
    assert counts == list(range(1, len(order) + 1))
    # What does not compile is not executed, and what comes after the run is not the run's.
    executed = [(count, sources[at]) for count, at in zip(counts, order) if at not in (5, 7)]

    run = json.loads(shown("as-executed", "--json"))
    assert run["notebook"] == "trials/first.ipynb"
    assert [(cell["execution_count"], cell["source"]) for cell in run["cells"]] == executed
    assert run["recorded_in"]["environment"] == run["environment"] and run["recorded_in"]["features"]
    lockfile = shown("as-executed", "--print", "lockfile")
    assert 'name = "polars"' in lockfile
    features = json.loads(shown("as-executed", "--print", "features"))
    assert any("#polars@" in package and "csv" in enabled for package, enabled in features.items())


def test_a_run_after_a_crash_holds_the_cells_whose_definitions_are_still_there():
    notebook = executed(
        "fn kept() -> f64 { 2.0 }",
        "std::process::abort()",
        ':vars\nlet run = Run::start("after-a-crash", &kept())?; run.finish()?;',
        allow_errors=True,
    )
    run = json.loads(shown("after-a-crash", "--json"))
    assert [cell["source"] for cell in run["cells"]] == [cell.source for cell in notebook.cells]


def test_an_added_crate_is_in_the_lockfile_of_the_runs_that_follow(tmp_path):
    crate = tmp_path / "halves"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "halves"\nversion = "0.3.7"\nedition = "2021"\n')
    (crate / "src/lib.rs").write_text("pub fn half(x: f64) -> f64 { x / 2.0 }\n")
    executed(
        'Run::start("before", &1)?.finish()?;',
        f':dep halves = {{ path = "{crate}" }}',
        'Run::start("with-halves", &halves::half(1.0))?.finish()?;',
    )
    assert '"halves"' not in shown("before", "--print", "lockfile")
    assert 'name = "halves"\nversion = "0.3.7"' in shown("with-halves", "--print", "lockfile")
    cells = [cell["source"] for cell in json.loads(shown("with-halves", "--json"))["cells"]]
    assert cells[1].startswith(":dep halves") and len(cells) == 3
    compared = subprocess.check_output([os.environ["ASSAY"], "compare", "before", "with-halves"], text=True)
    assert "environment.crates.halves" in compared and "0.3.7" in compared

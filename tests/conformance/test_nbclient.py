"""nbclient executes notebooks through the installed kernel `assay-test`."""

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

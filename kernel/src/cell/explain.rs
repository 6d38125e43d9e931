//! What is wrong with a cell that does not parse.

use super::compiler::diagnostics;
use super::compiler::rustc::{Compiled, Compiler};
use super::failure::Failure;
use super::generated::krate::line_number;
use super::generated::text::unparsed;
use super::notebook::held::Origin;
use super::source::brackets::{self, Open};
use super::source::depth;

/// What rustc says of a cell that does not parse.
pub(crate) async fn explain(compiler: &Compiler, origin: &Origin) -> Failure {
    if let Err(too_deep) = depth::measure(&origin.text) {
        return Failure::new("SyntaxError", &too_deep.to_string());
    }
    // Inside the generated crate a bracket of ours would close it, and rustc would point there.
    if let Open::Bracket(at) = brackets::open(&origin.text) {
        let line = u32::try_from(line_number(&origin.text, at)).unwrap_or_default();
        return Failure::at("CompileError", "this cell contains an unclosed delimiter", line, origin, &[]);
    }
    let cell = unparsed(origin);
    match compiler.compile(&cell).await {
        Ok(Compiled::Failed(mut found)) => {
            // Variables are not loaded here, so what is not about syntax, which has no code, is not true.
            if found.iter().any(|it| it.is_error() && !it.is_summary() && it.code().is_none()) {
                found.retain(|it| it.code().is_none());
            }
            // What is open at the end of the cell is closed by a line of ours.
            if found.iter().find(|it| it.is_error()).is_some_and(|error| error.primary(&cell).is_none()) {
                let last = u32::try_from(line_number(&origin.text, origin.text.trim_end().len())).unwrap_or_default();
                return Failure::at("CompileError", "this cell ends in the middle of a statement", last, origin, &[]);
            }
            diagnostics::render(&found, &cell, &[]).into()
        }
        Ok(Compiled::Library(_)) => Failure::new("SyntaxError", "assay cannot split this cell into statements"),
        Err(error) => error.into(),
    }
}

//! Small tables: reports, summaries, comparisons. As HTML for the notebook and as text for everything else.

use super::{MimeBundle, Show, escape};

/// A table of text, with a caption above and one line of header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    caption: String,
    header: Vec<String>,
    left: Vec<usize>,
    rows: Vec<Vec<String>>,
    strong: Vec<(usize, usize)>,
    rules: Vec<usize>,
}

impl Table {
    /// A table with these columns. Columns are aligned to the right, as numbers are.
    pub fn new<S: AsRef<str>>(header: &[S]) -> Self {
        Self { header: owned(header), ..Self::default() }
    }

    /// Sets the line above the table.
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Aligns a column to the left, as text is.
    pub fn left(mut self, column: usize) -> Self {
        self.left.push(column);
        self
    }

    /// Adds a row. Cells that are missing stay empty.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) -> &mut Self {
        self.rows.push(owned(cells));
        self
    }

    /// Draws a line below the last row added.
    pub fn rule(&mut self) -> &mut Self {
        self.rules.push(self.rows.len());
        self
    }

    /// Prints a cell in bold.
    pub fn strong(&mut self, row: usize, column: usize) -> &mut Self {
        self.strong.push((row, column));
        self
    }

    /// The table as HTML, every cell escaped.
    pub fn html(&self) -> String {
        let mut out = String::from("<div style=\"overflow-x:auto\">");
        if !self.caption.is_empty() {
            out.push_str(&format!("<div style=\"opacity:.7;font-size:90%\">{}</div>", escape(&self.caption)));
        }
        out.push_str("<table style=\"border-collapse:collapse\"><thead><tr>");
        for (column, name) in self.header.iter().enumerate() {
            out.push_str(&format!("<th{}>{}</th>", self.style(column, false), escape(name)));
        }
        out.push_str("</tr></thead><tbody>");
        for (index, row) in self.rows.iter().enumerate() {
            let ruled = self.rules.contains(&index);
            out.push_str("<tr>");
            for column in 0..self.header.len() {
                let cell = escape(row.get(column).map_or("", String::as_str));
                let cell = if self.strong.contains(&(index, column)) { format!("<b>{cell}</b>") } else { cell };
                out.push_str(&format!("<td{}>{cell}</td>", self.style(column, ruled)));
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }

    /// The table as text, columns padded to the same width.
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.header.len()).map(|column| self.width(column)).collect();
        let line = |cells: &[String]| {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = cells.get(column).map_or("", String::as_str);
                if self.left.contains(&column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1));
        let mut lines = Vec::with_capacity(self.rows.len() + 3);
        lines.extend((!self.caption.is_empty()).then(|| self.caption.clone()));
        lines.extend([line(&self.header), rule.clone()]);
        for (index, row) in self.rows.iter().enumerate() {
            lines.extend((self.rules.contains(&index)).then(|| rule.clone()));
            lines.push(line(row));
        }
        lines.join("\n")
    }

    fn style(&self, column: usize, ruled: bool) -> String {
        let align = if self.left.contains(&column) { "left" } else { "right" };
        let rule = if ruled { ";border-top:1px solid #888" } else { "" };
        format!(" style=\"text-align:{align}{rule}\"")
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.chain(self.header.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl Show for Table {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(self.text()).with_html(self.html())
    }
}

fn owned<S: AsRef<str>>(cells: &[S]) -> Vec<String> {
    cells.iter().map(|cell| cell.as_ref().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn sample() -> Table {
        let mut table = Table::new(&["name", "value"]).left(0).caption("two");
        table.row(&["a<b", "1"]).rule().row(&["c", "22.5"]).strong(1, 1);
        table
    }

    #[test]
    fn text_is_aligned() {
        assert_eq!(sample().text(), "two\nname  value\n───────────\na<b       1\n───────────\nc      22.5");
    }

    #[test]
    fn html_is_escaped() {
        let html = sample().html();
        assert!(html.contains("a&lt;b") && html.contains("<b>22.5</b>") && !html.contains("a<b"), "{html}");
    }
}

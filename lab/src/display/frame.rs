//! Polars' frames and columns as HTML tables: shape and types in the header, the ends of a long frame.

use polars::prelude::{AnyValue, Column, DataFrame, IntoColumn, LazyFrame, Series};

use super::{MimeBundle, Show, escape};

/// A frame with more rows than this shows its first and last ones.
const ROWS: usize = 20;
const HEAD: usize = 6;
const TAIL: usize = 4;
/// A frame with more columns than this shows its first and last ones.
const COLUMNS: usize = 20;
/// The longest text shown in a cell, in characters.
const CELL: usize = 120;

impl Show for DataFrame {
    fn show(&self) -> MimeBundle {
        MimeBundle::new().with_text(self.to_string()).with_html(html(self.columns(), self.height()))
    }
}

impl Show for Series {
    fn show(&self) -> MimeBundle {
        let column = self.clone().into_column();
        MimeBundle::new().with_text(self.to_string()).with_html(html(&[column], self.len()))
    }
}

impl Show for Column {
    fn show(&self) -> MimeBundle {
        MimeBundle::new()
            .with_text(self.as_materialized_series().to_string())
            .with_html(html(std::slice::from_ref(self), self.len()))
    }
}

/// A query that has not been run; showing it does not run it.
impl Show for LazyFrame {
    fn show(&self) -> MimeBundle {
        let plan = self.describe_plan().unwrap_or_else(|error| error.to_string());
        MimeBundle::new().with_text(format!("a lazy frame; .collect()? computes it\n{plan}"))
    }
}

fn html(columns: &[Column], height: usize) -> String {
    let across = shown(columns.len(), COLUMNS, COLUMNS / 2, COLUMNS / 2);
    let down = shown(height, ROWS, HEAD, TAIL);
    let mut out = format!(
        "<div style=\"overflow-x:auto\"><div style=\"opacity:.7;font-size:90%\">{} rows × {} columns</div>\
         <table style=\"border-collapse:collapse\"><thead><tr>",
        grouped(height),
        columns.len()
    );
    for &column in &across {
        match column.map(|index| &columns[index]) {
            Some(column) => out.push_str(&head(column)),
            None => out.push_str("<th>…</th>"),
        }
    }
    out.push_str("</tr></thead><tbody>");
    for &row in &down {
        out.push_str("<tr>");
        for &column in &across {
            match (row, column) {
                (Some(row), Some(column)) => out.push_str(&cell(&columns[column], row)),
                _ => out.push_str("<td style=\"opacity:.5\">…</td>"),
            }
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

/// The indices to show of `len`, with `None` where some are left out.
fn shown(len: usize, most: usize, first: usize, last: usize) -> Vec<Option<usize>> {
    if len <= most {
        return (0..len).map(Some).collect();
    }
    (0..first).map(Some).chain([None]).chain((len - last..len).map(Some)).collect()
}

fn head(column: &Column) -> String {
    let align = if column.dtype().is_primitive_numeric() { "right" } else { "left" };
    format!(
        "<th style=\"text-align:{align}\">{}<div style=\"font-weight:normal;opacity:.6;font-size:85%\">{}</div></th>",
        escape(column.name()),
        escape(&column.dtype().to_string())
    )
}

fn cell(column: &Column, row: usize) -> String {
    let align = if column.dtype().is_primitive_numeric() { "right" } else { "left" };
    let value = match column.get(row) {
        Ok(AnyValue::Null) => {
            return format!("<td style=\"text-align:{align};opacity:.5\">null</td>");
        }
        Ok(AnyValue::Float32(value)) => float(f64::from(value)),
        Ok(AnyValue::Float64(value)) => float(value),
        Ok(value) => value.get_str().map_or_else(|| value.to_string(), str::to_owned),
        Err(error) => error.to_string(),
    };
    let mut text: String = value.chars().take(CELL).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    format!("<td style=\"text-align:{align};white-space:pre-wrap\">{}</td>", escape(&text))
}

/// Six significant digits, without an exponent where a reader needs none.
fn float(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.5e}");
    }
    // The size is between 1e-4 and 1e9, so its logarithm fits.
    #[allow(clippy::cast_possible_truncation)]
    let before = size.log10().floor() as i32;
    let decimals = usize::try_from(5 - before).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A count with thin groups of three digits: 1 797.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts: Vec<_> = [0.0, 1.0, 0.1 + 0.2, 123456.789, 1e-7, 2.5e12, -3.25].into_iter().map(float).collect();
        assert_eq!(texts, ["0", "1", "0.3", "123457", "1.00000e-7", "2.50000e12", "-3.25"]);
        assert_eq!([grouped(7), grouped(1797), grouped(1_000_000)], ["7", "1,797", "1,000,000"]);
    }

    #[test]
    fn long_frames_show_both_ends() {
        assert_eq!(shown(3, 20, 6, 4), [Some(0), Some(1), Some(2)]);
        assert_eq!(shown(100, 20, 1, 2), [Some(0), None, Some(98), Some(99)]);
    }

    #[test]
    fn cells_and_names_are_escaped() {
        let frame = polars::df!("<i>" => ["<script>", "b"], "n" => [Some(1), None]).expect("a frame");
        let html = html(frame.columns(), frame.height());
        assert!(html.contains("&lt;script&gt;") && html.contains("&lt;i&gt;") && html.contains(">null<"), "{html}");
        assert!(html.contains("2 rows × 2 columns") && !html.contains("<script>"), "{html}");
    }
}

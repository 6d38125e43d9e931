//! What each head of an attention layer looks at.

use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::Tensor;

use super::axis::value_label;
use super::canvas::{Anchor, Area, Canvas, Type, count};
use super::cells::{Cell, Cells, Names, block};
use super::chart::Draw;
use super::frame::{HEADER, Labels, TICK, title};
use super::heatmap::Scale;
use super::palette;
use super::save::PlotError;
use crate::device::Dev;

/// Heads in one row.
const ACROSS: usize = 4;
/// Between two heads.
const GAP: f64 = 22.0;
/// Above each head, for its name.
const HEAD: f64 = 20.0;

/// A heat map for each head: queries down, keys across, all on one scale from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionMap {
    labels: Labels,
    queries: Names,
    keys: Names,
    heads: Vec<Vec<f64>>,
}

/// Draws attention weights `[heads, queries, keys]`; `tokens` are those of the queries, and of the keys too if
/// there are as many of them.
///
/// # Errors
/// When there is not one token for each query.
pub fn attention_map<S: Shape<Concrete = [usize; 3]>, T, N: AsRef<str>>(
    weights: &Tensor<S, f32, Dev, T>,
    tokens: &[N],
) -> Result<AttentionMap, PlotError> {
    AttentionMap::new(weights.shape().concrete(), &weights.as_vec(), Names::from(tokens))
}

impl AttentionMap {
    pub(super) fn new([heads, queries, keys]: [usize; 3], weights: &[f32], tokens: Names) -> Result<Self, PlotError> {
        if tokens.len() != queries {
            let what = format!("there are {} tokens, but weights for {queries} queries", tokens.len());
            return Err(PlotError::Shape { what });
        }
        let size = (queries * keys).max(1);
        let heads = weights.chunks_exact(size).take(heads).map(|head| head.iter().copied().map(f64::from).collect());
        let columns = if keys == queries { tokens.clone() } else { Names::from(keys) };
        Ok(Self { labels: Labels::titled("Attention"), queries: tokens, keys: columns, heads: heads.collect() })
    }

    /// Sets the title.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.labels.title = title.into();
        self
    }

    /// Names the keys, where they are not the tokens of the queries.
    ///
    /// # Errors
    /// When there is not one token for each key.
    pub fn keys<N: AsRef<str>>(mut self, tokens: &[N]) -> Result<Self, PlotError> {
        if tokens.len() != self.keys.len() {
            let what = format!("there are {} tokens, but weights for {} keys", tokens.len(), self.keys.len());
            return Err(PlotError::Shape { what });
        }
        self.keys = tokens.into();
        Ok(self)
    }

    fn across(&self) -> usize {
        let rows = self.heads.len().div_ceil(ACROSS).max(1);
        self.heads.len().div_ceil(rows).max(1)
    }

    fn scale(&self) -> Scale {
        let most = self.heads.iter().flatten().copied().filter(|weight| weight.is_finite()).fold(0.0, f64::max);
        Scale::over(&[], false, Some((0.0, if most > 0.0 { most } else { 1.0 })))
    }

    /// The cells of a head; without one, those of an empty map.
    fn cells(&self, head: &[f64], scale: &Scale) -> Cells {
        let side = [360.0, 250.0, 200.0, 170.0][self.across() - 1];
        let blocks = (block(self.queries.len()), block(self.keys.len()));
        let (down, across) = (self.queries.len().div_ceil(blocks.0), self.keys.len().div_ceil(blocks.1));
        let at = |cell: usize| head.get(cell / across * blocks.0 * self.keys.len() + cell % across * blocks.1);
        let cells = (0..down * across).map(|cell| Cell {
            color: at(cell).map_or(palette::NONE, |&weight| scale.color(weight)),
            text: String::new(),
            bold: false,
        });
        Cells::new(&self.queries, &self.keys, blocks, cells.collect(), side)
    }

    /// The key that a head gives the most to, and the query that does.
    fn strongest(&self, head: &[f64]) -> String {
        let best = head.iter().enumerate().filter(|(_, weight)| weight.is_finite()).max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or("no weight".to_owned(), |(index, &weight)| {
            let (query, key) = (index / self.keys.len(), index % self.keys.len());
            format!("{} → {} {}", self.queries.get(query), self.keys.get(key), value_label(weight))
        })
    }
}

impl Draw for AttentionMap {
    fn size(&self, _: bool) -> (f64, f64) {
        let scale = self.scale();
        let cells = self.cells(&[], &scale);
        let (across, down) = (self.across(), self.heads.len().div_ceil(self.across()).max(1));
        let (width, height) = cells.size();
        (
            (34.0 + cells.left() + count(across) * (width + GAP) - GAP + scale.width() + 18.0).max(240.0),
            HEADER + count(down) * (height + HEAD + 8.0) + cells.below() + 20.0,
        )
    }

    fn draw(&self, canvas: &mut Canvas, area: Area) {
        title(canvas, area, &self.labels.title);
        let (scale, across) = (self.scale(), self.across());
        let empty = self.cells(&[], &scale);
        let (width, height) = empty.size();
        let (left, top) = (area.left + 34.0 + empty.left(), area.top + HEADER + HEAD - 8.0);
        let look = Type { color: palette::INK, ..TICK };
        for (index, head) in self.heads.iter().enumerate() {
            let x = left + count(index % across) * (width + GAP);
            let y = top + count(index / across) * (height + HEAD + 8.0);
            let cells = self.cells(head, &scale);
            canvas.text(&format!("head {}", index + 1), (x, y - 10.0), Anchor::Start, look);
            cells.draw(canvas, (x, y));
            if index % across == 0 {
                cells.name_rows(canvas, (x, y));
            }
            if index + across >= self.heads.len() {
                cells.name_columns(canvas, (x, y + height));
            }
        }
        let rows = count(self.heads.len().div_ceil(across).max(1));
        let (wide, high) = (count(across) * (width + GAP) - GAP, rows * (height + HEAD + 8.0) - HEAD - 8.0);
        scale.draw(canvas, (left + wide + 16.0, top), height);
        canvas.text("key", (left + wide / 2.0, top + high + empty.below() + 10.0), Anchor::Middle, TICK);
        canvas.upward("query", (area.left + 16.0, top + high / 2.0), Anchor::Middle, TICK);
    }

    fn text(&self) -> String {
        let heads = self.heads.iter().enumerate();
        let heads: Vec<_> = heads.map(|(index, head)| format!("head {} {}", index + 1, self.strongest(head))).collect();
        let (queries, keys) = (self.queries.len(), self.keys.len());
        format!("{}: {queries} queries × {keys} keys; strongest: {}", self.labels.title, heads.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use dfdx::tensor::TensorFrom;

    use super::*;

    #[test]
    fn each_head_is_drawn_and_told() {
        let weights = [0.9, 0.1, 0.2, 0.8, 0.5, 0.5, 0.0, 1.0];
        let map = AttentionMap::new([2, 2, 2], &weights, Names::from(&["the", "<b>"])).expect("a map");
        assert_eq!(
            map.text(),
            "Attention: 2 queries × 2 keys; strongest: head 1 the → the 0.900, head 2 <b> → <b> 1.000"
        );
        let svg = map.svg();
        assert!(svg.contains(">head 2</text>") && svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
        let tensor = crate::device::device().tensor([[[0.9_f32, 0.1], [0.2, 0.8]], [[0.5, 0.5], [0.0, 1.0]]]);
        assert_eq!(attention_map(&tensor, &["the", "<b>"]).expect("a map"), map);
        let error = AttentionMap::new([2, 2, 2], &weights, Names::from(&["a"])).expect_err("a token is missing");
        assert_eq!(error.to_string(), "there are 1 tokens, but weights for 2 queries");
    }
}

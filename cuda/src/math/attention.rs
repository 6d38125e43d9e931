//! Scaled dot-product attention for all heads: Vaswani et al., *Attention Is All You Need*, 2017, equation 1.
//!
//! The heads are parts of wider rows. A batch of products has one stride only, so that the heads of one sequence, or one
//! head of all sequences, could be multiplied at once, but not all of both: of `b` sequences and `h` heads, min(b, h)
//! products would be started in place of each here. So the rows are taken apart first, all of them in one launch, and
//! put together again in another; where there is one sequence or one head, they are multiplied where they are.

use super::dropout::{halves, least};
use super::{Buffer, Parameter, Room, Rows, Sizes, check, each, multiply, table, threads, upload};
use crate::code::Outcome;

/// For each sequence, for each key: whether it is hidden.
#[derive(Debug)]
pub struct Hidden {
    room: Room,
    count: usize,
}

impl Hidden {
    /// Copies `[batch, keys]` to the device.
    ///
    /// # Errors
    /// When there is no room, or the copy fails.
    pub fn new(hidden: &[bool]) -> Outcome<Self> {
        let room = Room::new(hidden.len().div_ceil(4))?;
        upload(room.buffer(), hidden)?;
        Ok(Self { room, count: hidden.len() })
    }
}

/// Weights left out at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// How likely a weight is dropped: from 0 to below 1. The others are scaled to keep their mean.
    pub share: f64,
    /// Which of all possible draws it is.
    pub key: u64,
}

/// Attention of some sequences of queries to sequences of keys.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// How many sequences.
    pub batch: usize,
    /// Each has its part of a row.
    pub heads: usize,
    /// Rows in a sequence of queries.
    pub queries: usize,
    /// Rows in a sequence of keys, and of values.
    pub keys: usize,
    /// Numbers in a row.
    pub dim: usize,
    /// Whether query i looks at keys 0 to i only.
    pub causal: bool,
    /// What no query looks at.
    pub hidden: Option<&'a Hidden>,
    /// What is left out while a model trains.
    pub dropout: Option<Dropout>,
}

impl Attention<'_> {
    /// Writes what the queries, `[batch, queries, dim]`, see of the values, `[batch, keys, dim]`, to `out`,
    /// `[batch, queries, dim]`. Gives the weights before dropout, `[batch, heads, queries, keys]`, which
    /// [`Attention::attend_backward`] needs.
    ///
    /// # Errors
    /// When sizes don't go together, or the device fails; so for all functions here.
    pub fn attend(&self, [queries, keys, values]: [Buffer; 3], out: Buffer) -> Outcome<Room> {
        self.check("attend", &[queries, out], &[keys, values])?;
        let parts = Parts::of(self, &[queries, keys, values])?;
        let weights = self.scores(&parts)?;
        let kept = self.softmax(weights.buffer())?;
        let kept = kept.as_ref().map_or(weights.buffer(), Room::buffer);
        let heads = Parts::room(self, 1)?;
        let (inner, columns) = (self.keys, self.head());
        let to = heads.as_ref().map_or(Parts::inside(self, out, self.queries), |heads| heads.part(self, 0));
        multiply(self.square(kept), parts.part(self, 2), to, self.sizes(self.queries, inner, columns), 0.0)?;
        heads.map_or(Ok(()), |heads| heads.merge(self, &[out], false))?;
        Ok(weights)
    }

    /// The weights alone: what each query looks at.
    ///
    /// # Errors
    /// As [`Attention::attend`].
    pub fn weights(&self, [queries, keys]: [Buffer; 2]) -> Outcome<Room> {
        self.check("attention's weights", &[queries], &[keys])?;
        let weights = self.scores(&Parts::of(self, &[queries, keys])?)?;
        Self { dropout: None, ..*self }.softmax(weights.buffer())?;
        Ok(weights)
    }

    /// Adds the derivatives of [`Attention::attend`] by queries, keys and values, given that by its output and the
    /// weights it gave.
    ///
    /// # Errors
    /// As [`Attention::attend`].
    pub fn attend_backward(
        &self,
        gradient: Buffer,
        [queries, keys, values]: [Buffer; 3],
        weights: Buffer,
        to: [Buffer; 3],
    ) -> Outcome<()> {
        const NAME: &str = "attend_backward";
        self.check(NAME, &[queries, gradient, to[0]], &[keys, values, to[1], to[2]])?;
        check(NAME, weights.len() == self.rows() * self.keys)?;
        let parts = Parts::of(self, &[queries, keys, values, gradient])?;
        let [queries, keys, values, gradient] = [0, 1, 2, 3].map(|which| parts.part(self, which));
        let added = Parts::room(self, 3)?;
        // What is taken apart is written and then added; what is not is added where it is.
        let keep = if added.is_some() { 0.0 } else { 1.0 };
        let into = |which: usize| {
            let rows = if which == 0 { self.queries } else { self.keys };
            added.as_ref().map_or(Parts::inside(self, to[which], rows), |added| added.part(self, which))
        };
        let (rows, head) = (self.queries, self.head());
        let room = Room::new(weights.len())?;
        let square = self.square(room.buffer());
        let kept = self.drop_weights(weights, room.buffer())?;
        multiply(self.square(kept).transposed(), gradient, into(2), self.sizes(self.keys, rows, head), keep)?;
        multiply(gradient, values.transposed(), square, self.sizes(rows, head, self.keys), 0.0)?;
        self.through_softmax(room.buffer(), weights)?;
        multiply(square, keys, into(0), self.sizes(rows, self.keys, head), keep)?;
        multiply(square.transposed(), queries, into(1), self.sizes(self.keys, rows, head), keep)?;
        added.map_or(Ok(()), |added| added.merge(self, &to, true))
    }

    fn check(&self, function: &'static str, of_queries: &[Buffer], of_keys: &[Buffer]) -> Outcome<()> {
        let good = (1..1 << 32).contains(&self.dim) && self.heads > 0 && self.dim.is_multiple_of(self.heads);
        let all = |buffers: &[Buffer], rows: usize| buffers.iter().all(|it| it.len() == self.batch * rows * self.dim);
        let hidden = self.hidden.is_none_or(|hidden| hidden.count == self.batch * self.keys);
        let dropout = self.dropout.is_none_or(|dropout| (0.0..1.0).contains(&dropout.share));
        check(function, good && hidden && dropout && all(of_queries, self.queries) && all(of_keys, self.keys))
    }

    /// Numbers of a row that are one head's.
    fn head(&self) -> usize {
        self.dim / self.heads
    }

    /// Rows of weights.
    fn rows(&self) -> usize {
        self.batch * self.heads * self.queries
    }

    fn sizes(&self, rows: usize, inner: usize, columns: usize) -> Sizes {
        Sizes { rows, inner, columns, batch: self.batch * self.heads }
    }

    /// Weights, or their gradients, as matrices.
    fn square(&self, buffer: Buffer) -> Rows {
        Rows { batch_stride: self.queries * self.keys, ..Rows::of(buffer, self.keys) }
    }

    /// The products of queries and keys.
    fn scores(&self, parts: &Parts) -> Outcome<Room> {
        let scores = Room::new(self.rows() * self.keys)?;
        let sizes = self.sizes(self.queries, self.head(), self.keys);
        multiply(parts.part(self, 0), parts.part(self, 1).transposed(), self.square(scores.buffer()), sizes, 0.0)?;
        Ok(scores)
    }

    /// What the scores are multiplied by.
    fn scale(&self) -> f32 {
        1.0 / (self.head() as f32).sqrt()
    }

    /// The key in two halves, the least word of 32 bits that keeps a weight, and what a kept one is scaled by.
    fn draw(&self) -> [Parameter; 4] {
        let Dropout { share, key } = self.dropout.unwrap_or(Dropout { share: 0.0, key: 0 });
        let [low, high] = halves(key);
        [low.into(), high.into(), least(share).into(), ((1.0 / (1.0 - share)) as f32).into()]
    }

    /// Turns scores into weights; gives what dropout leaves of them, if there is any.
    fn softmax(&self, scores: Buffer) -> Outcome<Option<Room>> {
        let kept = self.dropout.map(|_| Room::new(scores.len())).transpose()?;
        let [low, high, least, kept_scale] = self.draw();
        let parameters = [
            scores.into(),
            kept.as_ref().map_or(Parameter::Address(0), |kept| kept.buffer().into()),
            self.hidden.map_or(Parameter::Address(0), |hidden| hidden.room.buffer().into()),
            self.rows().into(),
            self.heads.into(),
            self.queries.into(),
            self.keys.into(),
            u32::from(self.causal).into(),
            self.scale().into(),
            low,
            high,
            least,
            kept_scale,
        ];
        // SAFETY: there are so many rows of `keys` numbers of both, and as `check` saw a byte for each key of each
        // sequence; warps of rows beyond the last do nothing.
        unsafe { each("assay_softmax", 32 * self.rows(), &parameters) }?;
        Ok(kept)
    }

    /// What dropout leaves of the weights: in `room`, or the weights themselves.
    fn drop_weights(&self, weights: Buffer, room: Buffer) -> Outcome<Buffer> {
        if self.dropout.is_none() {
            return Ok(weights);
        }
        let [low, high, least, kept_scale] = self.draw();
        let (rows, keys) = (self.rows().into(), self.keys.into());
        let parameters = [room.into(), weights.into(), rows, keys, low, high, least, kept_scale];
        // SAFETY: both have so many rows of `keys` numbers.
        unsafe { each("assay_drop_weights", 32 * self.rows(), &parameters) }?;
        Ok(room)
    }

    /// Turns the gradient of the weights after dropout into that of the scores.
    fn through_softmax(&self, gradient: Buffer, weights: Buffer) -> Outcome<()> {
        let [low, high, least, kept_scale] = self.draw();
        let parameters = [
            gradient.into(),
            weights.into(),
            self.rows().into(),
            self.queries.into(),
            self.keys.into(),
            u32::from(self.causal).into(),
            self.scale().into(),
            low,
            high,
            least,
            kept_scale,
        ];
        // SAFETY: both have so many rows of `keys` numbers.
        unsafe { each("assay_softmax_backward", 32 * self.rows(), &parameters) }
    }
}

/// Queries, keys, values and a gradient, as many as are wanted, as a matrix for each head of each sequence.
struct Parts {
    /// Where they were taken apart; else they are where they were.
    room: Option<Room>,
    buffers: Vec<Buffer>,
}

impl Parts {
    /// Takes rows apart, unless they can be multiplied as they are.
    fn of(attention: &Attention, buffers: &[Buffer]) -> Outcome<Self> {
        let Some(parts) = Self::room(attention, buffers.len())? else {
            return Ok(Self { room: None, buffers: buffers.to_vec() });
        };
        let &Attention { batch, queries, keys, .. } = attention;
        let from = |which: usize| buffers.get(which).map_or(Parameter::Address(0), |buffer| (*buffer).into());
        let [heads, head] = Self::heads(attention);
        let to = parts.room.as_ref().map_or(Parameter::Address(0), |room| room.buffer().into());
        let parameters =
            [to, from(0), from(1), from(2), from(3), batch.into(), queries.into(), keys.into(), heads, head];
        let places = [batch * queries.max(keys), buffers.len()];
        // SAFETY: each buffer has as many rows as its kind has, as `Attention::check` saw, and so has its part of the room.
        unsafe { table("assay_split_heads", places, threads(attention.dim), &parameters) }?;
        Ok(parts)
    }

    /// Room for the first so many of them; `None` where none are taken apart.
    fn room(attention: &Attention, count: usize) -> Outcome<Option<Self>> {
        if attention.batch == 1 || attention.heads == 1 {
            return Ok(None);
        }
        let sizes = [0, 1, 2, 3].map(|which| attention.batch * Self::rows(attention, which) * attention.dim);
        let room = Room::new(sizes[..count].iter().sum())?;
        let start = |which: usize| sizes[..which].iter().sum();
        let buffers = (0..count).map(|which| room.buffer().part(start(which), sizes[which])).collect::<Outcome<_>>()?;
        Ok(Some(Self { room: Some(room), buffers }))
    }

    /// Rows of a sequence: queries and gradient have others than keys and values.
    fn rows(attention: &Attention, which: usize) -> usize {
        if which.is_multiple_of(3) { attention.queries } else { attention.keys }
    }

    /// One of them as matrices.
    fn part(&self, attention: &Attention, which: usize) -> Rows {
        let (rows, head) = (Self::rows(attention, which), attention.head());
        match self.room {
            Some(_) => Rows { batch_stride: rows * head, ..Rows::of(self.buffers[which], head) },
            None => Self::inside(attention, self.buffers[which], rows),
        }
    }

    /// Matrices inside rows of all heads, of one sequence or one head.
    fn inside(attention: &Attention, buffer: Buffer, rows: usize) -> Rows {
        let batch_stride = if attention.heads == 1 { rows * attention.dim } else { attention.head() };
        Rows { batch_stride, ..Rows::of(buffer, attention.dim) }
    }

    /// Puts queries, keys and values together again, or adds them to what is there.
    fn merge(&self, attention: &Attention, to: &[Buffer], add: bool) -> Outcome<()> {
        let &Attention { batch, queries, keys, .. } = attention;
        let to = |which: usize| to.get(which).map_or(Parameter::Address(0), |buffer| (*buffer).into());
        let [heads, head] = Self::heads(attention);
        let from = self.room.as_ref().map_or(Parameter::Address(0), |room| room.buffer().into());
        let add = u32::from(add).into();
        let parameters = [to(0), to(1), to(2), from, batch.into(), queries.into(), keys.into(), heads, head, add];
        // SAFETY: as in `of`.
        unsafe { table("assay_merge_heads", [batch * queries.max(keys), 1], threads(attention.dim), &parameters) }
    }

    /// How many heads there are and numbers in each: fewer than 2^32, as `Attention::check` saw.
    fn heads(attention: &Attention) -> [Parameter; 2] {
        [attention.heads, attention.head()].map(|size| (size as u32).into())
    }
}

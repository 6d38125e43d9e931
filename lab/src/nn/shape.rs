//! Sizes that a layer states, checked while compiling, with a message that shows both.

use dfdx::shapes::{Const, Dim, HasShape};
use dfdx::tensor::{Tape, Tensor};
use dfdx::tensor_ops::ReshapeTo;

use crate::device::{Dev, DevError};

/// A message put together while compiling, where `format!` can't be used.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    bytes: [u8; 240],
    len: usize,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 240], len: 0 }
    }

    pub(crate) const fn text(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    pub(crate) const fn number(mut self, number: usize) -> Self {
        let mut unit = 1;
        while number / unit >= 10 {
            unit *= 10;
        }
        while unit > 0 {
            self.bytes[self.len] = b'0' + (number / unit % 10) as u8;
            self.len += 1;
            unit /= 10;
        }
        self
    }

    pub(crate) const fn size(self, [height, width]: [usize; 2]) -> Self {
        self.number(height).text(" x ").number(width)
    }

    pub(crate) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

/// How many places a window of this size has along an axis; 0 when it does not fit once.
pub(crate) const fn places(size: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    let padded = size + 2 * padding;
    if stride == 0 || kernel == 0 || kernel > padded { 0 } else { (padded - kernel) / stride + 1 }
}

/// A kind of layer, for messages.
pub(crate) trait Named {
    const NAME: &'static str;
}

/// What attention and recurrent layers work on.
type Rows<B, S, const SIZE: usize, T> = Tensor<(B, S, Const<SIZE>), f32, Dev, T>;

/// Rows as the type that a layer of rows of `DIM` works on; other rows do not compile.
pub(crate) fn rows_of<N: Named, const DIM: usize, const ROW: usize, B: Dim, S: Dim, T: Tape<f32, Dev>>(
    x: Rows<B, S, ROW, T>,
) -> Result<Rows<B, S, DIM, T>, DevError> {
    let () = Takes::<N, DIM, ROW>::CHECK;
    let shape = (x.shape().0, x.shape().1, Const);
    x.try_reshape_like(&shape)
}

/// Rows (or channels) of another size than a layer takes: `Takes::<Kind, 64, 32>::CHECK` does not compile.
pub(crate) struct Takes<N, const TAKES: usize, const GETS: usize>(N);

impl<N: Named, const TAKES: usize, const GETS: usize> Takes<N, TAKES, GETS> {
    const MESSAGE: &'static str =
        Message::new().text(N::NAME).text(" ").number(TAKES).text(", but gets ").number(GETS).as_str();

    pub(crate) const CHECK: () = assert!(TAKES == GETS, "{}", Self::MESSAGE);
}

macro_rules! named {
    ($($kind:ident $name:literal;)*) => { $(
        pub(crate) struct $kind;

        impl Named for $kind {
            const NAME: &'static str = $name;
        }
    )* };
}

named! {
    AttentionRows "attention takes rows of";
    BlockRows "a Transformer block takes rows of";
    NormRows "LayerNorm takes rows of";
    RecurrentRows "a recurrent layer takes rows of";
    ConvolutionChannels "a convolution takes this many channels:";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_places() {
        const MESSAGE: &str = Message::new().text("is ").size([28, 105]).text(", not ").number(0).as_str();
        assert_eq!(MESSAGE, "is 28 x 105, not 0");
        assert_eq!((places(28, 3, 1, 0), places(28, 3, 2, 1), places(2, 3, 1, 0), places(5, 5, 3, 0)), (26, 14, 0, 1));
    }
}

//! Convolution as a product: pictures laid out as columns, times the kernels (Chellapilla, Puri and Simard, *High
//! Performance Convolutional Neural Networks for Document Processing*, 2006).

use super::{Buffer, Parameter, Room, Rows, Sizes, Window, check, multiply, rows, table, threads};
use crate::code::Outcome;

/// So many numbers of columns are laid out at once at most: 128 MiB, or one picture's.
const ROOM: usize = 32 << 20;

/// Cross-correlation with zero padding, as every framework calls convolution: pictures are
/// `[batch, channels, height, width]`, kernels `[kernels, channels, height, width]`, biases `[kernels]`, and `out`
/// `[batch, kernels, places down, places across]`.
///
/// # Errors
/// When sizes don't go together, or the device fails; so for all functions here.
pub fn convolve(window: &Window, [pictures, weight, bias]: [Buffer; 3], out: Buffer) -> Outcome<()> {
    let shape = Shape::of("convolve", window, pictures, weight, bias, out)?;
    let parameters = [out.into(), bias.into(), (shape.kernels as u32).into(), (shape.count as u32).into()];
    // SAFETY: `out` has a plane of `count` numbers for each block, and each kernel a bias.
    unsafe { planes("assay_fill_planes", shape.batch * shape.kernels, shape.count, &parameters) }?;
    let columns = Room::new(shape.columns())?;
    for some in shape.portions() {
        unfold(&shape, &some, pictures, columns.buffer())?;
        let sizes = Sizes { rows: shape.kernels, inner: shape.sees, columns: shape.count, batch: some.count };
        let weight = Rows { batch_stride: 0, ..Rows::of(weight, shape.sees) };
        multiply(weight, shape.seen(&some, columns.buffer()), shape.planes(&some, out)?, sizes, 1.0)?;
    }
    Ok(())
}

/// Adds the derivatives of [`convolve`] by its inputs, given that by its output.
///
/// # Errors
/// As [`convolve`].
pub fn convolve_backward(
    window: &Window,
    gradient: Buffer,
    [pictures, weight]: [Buffer; 2],
    [of_pictures, of_weight, of_bias]: [Buffer; 3],
) -> Outcome<()> {
    const NAME: &str = "convolve_backward";
    let shape = Shape::of(NAME, window, of_pictures, of_weight, of_bias, gradient)?;
    check(NAME, pictures.len() == of_pictures.len() && weight.len() == of_weight.len())?;
    let Shape { kernels, count, sees, .. } = shape;
    let parameters =
        [of_bias.into(), gradient.into(), shape.batch.into(), (kernels as u32).into(), (count as u32).into()];
    // SAFETY: there is a bias for each block, and `gradient` has `kernels` planes of `count` numbers for each picture.
    unsafe { rows("assay_sum_planes", kernels, 256, &parameters) }?;
    let (columns, gathered) = (Room::new(shape.columns())?, Room::new(shape.most() * kernels * count)?);
    for some in shape.portions() {
        let line = some.count * count;
        unfold(&shape, &some, pictures, columns.buffer())?;
        gather(&shape, &some, gradient, gathered.buffer())?;
        let sizes = Sizes { rows: kernels, inner: line, columns: sees, batch: 1 };
        let laid_out = Rows::of(columns.buffer(), line).transposed();
        multiply(Rows::of(gathered.buffer(), line), laid_out, Rows::of(of_weight, sees), sizes, 1.0)?;

        let sizes = Sizes { rows: sees, inner: kernels, columns: count, batch: some.count };
        let (to, of_out) = (shape.seen(&some, columns.buffer()), shape.planes(&some, gradient)?);
        multiply(Rows::of(weight, sees).transposed(), of_out, to, sizes, 0.0)?;
        fold(&shape, &some, columns.buffer(), of_pictures)?;
    }
    Ok(())
}

/// Sizes that go together.
struct Shape {
    window: Parameter,
    channels: usize,
    plane: usize,
    sees: usize,
    count: usize,
    kernels: usize,
    batch: usize,
}

/// Some of the pictures.
struct Portion {
    start: usize,
    count: usize,
}

impl Shape {
    fn of(
        function: &'static str,
        window: &Window,
        pictures: Buffer,
        weight: Buffer,
        bias: Buffer,
        out: Buffer,
    ) -> Outcome<Self> {
        let parameter = window.parameter(function)?;
        let (plane, sees, count) = (window.plane(), window.sees(), window.count());
        let (kernels, channels) = (bias.len(), window.channels);
        let batch = pictures.len() / (channels * plane);
        let good = pictures.len() == batch * channels * plane && weight.len() == kernels * sees;
        let narrow = [batch, kernels].iter().all(|size| *size < 1 << 31);
        check(function, good && narrow && kernels > 0 && out.len() == batch * kernels * count)?;
        Ok(Self { window: parameter, channels, plane, sees, count, kernels, batch })
    }

    /// How many pictures are laid out at once.
    fn most(&self) -> usize {
        (ROOM / (self.count * self.sees.max(self.kernels))).clamp(1, self.batch.max(1))
    }

    /// Numbers of the columns of so many pictures.
    fn columns(&self) -> usize {
        self.most() * self.sees * self.count
    }

    fn portions(&self) -> impl Iterator<Item = Portion> {
        let (batch, most) = (self.batch, self.most());
        (0..batch).step_by(most).map(move |start| Portion { start, count: most.min(batch - start) })
    }

    /// The columns of each picture as a matrix, `[sees, places]`.
    fn seen(&self, some: &Portion, columns: Buffer) -> Rows {
        Rows { batch_stride: self.count, ..Rows::of(columns, some.count * self.count) }
    }

    /// Each picture's part of an output as a matrix, `[kernels, places]`.
    fn planes(&self, some: &Portion, out: Buffer) -> Outcome<Rows> {
        let size = self.kernels * self.count;
        let part = out.part(some.start * size, some.count * size)?;
        Ok(Rows { batch_stride: size, ..Rows::of(part, self.count) })
    }

    fn pictures(&self, some: &Portion, pictures: Buffer) -> Outcome<Buffer> {
        let size = self.channels * self.plane;
        pictures.part(some.start * size, some.count * size)
    }
}

fn unfold(shape: &Shape, some: &Portion, pictures: Buffer, columns: Buffer) -> Outcome<()> {
    let from = shape.pictures(some, pictures)?;
    let parameters = [columns.into(), from.into(), shape.window, (some.count as u32).into()];
    // SAFETY: there are so many pictures, and room for their columns, of which each block writes one picture's row.
    unsafe { planes("assay_unfold", shape.sees * some.count, shape.count, &parameters) }
}

fn fold(shape: &Shape, some: &Portion, columns: Buffer, pictures: Buffer) -> Outcome<()> {
    let to = shape.pictures(some, pictures)?;
    let parameters = [to.into(), columns.into(), shape.window, (some.count as u32).into()];
    // SAFETY: as in `unfold`, the other way.
    unsafe { planes("assay_fold", shape.channels * some.count, shape.plane, &parameters) }
}

/// `[pictures, kernels, places]` as `[kernels, pictures, places]`, so that all pictures are summed up in one product.
fn gather(shape: &Shape, some: &Portion, gradient: Buffer, to: Buffer) -> Outcome<()> {
    let from = shape.planes(some, gradient)?.buffer;
    let sizes = [some.count, shape.kernels, shape.count].map(|size| Parameter::from(size as u32));
    let parameters = [to.into(), from.into(), sizes[0], sizes[1], sizes[2]];
    // SAFETY: both have as many planes of `count` numbers.
    unsafe { planes("assay_gather_planes", some.count * shape.kernels, shape.count, &parameters) }
}

/// Starts a kernel with a column of blocks for each plane of `numbers`.
///
/// # Safety
/// As for `table`.
unsafe fn planes(kernel: &'static str, count: usize, numbers: usize, parameters: &[Parameter]) -> Outcome<()> {
    // SAFETY: the caller's word.
    unsafe { table(kernel, [count, Window::blocks(numbers)], threads(numbers), parameters) }
}

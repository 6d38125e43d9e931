//! A tensor in a few lines: shape, type, range, first values.

use dfdx::dtypes::Dtype;
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Storage, Tensor};

use super::{MimeBundle, Show};

/// How many values are listed.
const VALUES: usize = 8;

impl<S: Shape, E: Dtype, D: Storage<E>, T> Show for Tensor<S, E, D, T> {
    fn show(&self) -> MimeBundle {
        let values: Vec<f64> = self.as_vec().iter().map(|value| value.to_f64().unwrap_or(f64::NAN)).collect();
        bundle(self.shape().concrete().as_ref(), std::any::type_name::<E>(), &values)
    }
}

fn bundle(shape: &[usize], dtype: &str, values: &[f64]) -> MimeBundle {
    MimeBundle::new().with_text(summary(shape, dtype, values))
}

fn summary(shape: &[usize], dtype: &str, values: &[f64]) -> String {
    let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
    let shape = if sizes.is_empty() { "scalar".to_owned() } else { sizes.join("×") };
    let first: Vec<_> = values.iter().take(VALUES).map(|value| format!("{value:.4}")).collect();
    let more = if values.len() > VALUES { ", …" } else { "" };
    let list = format!("[{}{more}]", first.join(", "));
    if values.len() < 2 {
        return format!("Tensor {shape} {dtype} {list}");
    }
    let (mut least, mut most, mut sum) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    for &value in values {
        least = least.min(value);
        most = most.max(value);
        sum += value;
    }
    // A count of values is far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let mean = sum / values.len() as f64;
    format!("Tensor {shape} {dtype}, {least:.4} to {most:.4}, mean {mean:.4}\n{list}")
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn says_shape_type_and_range() {
        let text = summary(&[2, 2], "f32", &[1.0, 2.0, 3.0, 6.0]);
        assert_eq!(text, "Tensor 2×2 f32, 1.0000 to 6.0000, mean 3.0000\n[1.0000, 2.0000, 3.0000, 6.0000]");
        assert_eq!(summary(&[], "f32", &[0.5]), "Tensor scalar f32 [0.5000]");
    }
}

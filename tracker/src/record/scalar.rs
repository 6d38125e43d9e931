//! The number types that a step and a value may have, so that training code needs no casts.

/// A step: any integer. One beyond the range of `i64` becomes its nearest end.
pub trait Step {
    fn to_step(&self) -> i64;
}

/// A value to log: any number.
pub trait Scalar {
    fn to_scalar(&self) -> f64;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Step for $integer {
            fn to_step(&self) -> i64 {
                #[allow(irrefutable_let_patterns, clippy::unnecessary_fallible_conversions)]
                i64::try_from(*self).unwrap_or(if *self > 0 { i64::MAX } else { i64::MIN })
            }
        }

        impl Scalar for $integer {
            fn to_scalar(&self) -> f64 {
                *self as f64
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

impl Scalar for f32 {
    fn to_scalar(&self) -> f64 {
        f64::from(*self)
    }
}

impl Scalar for f64 {
    fn to_scalar(&self) -> f64 {
        *self
    }
}

impl Scalar for bool {
    fn to_scalar(&self) -> f64 {
        f64::from(u8::from(*self))
    }
}

impl<T: Step> Step for &T {
    fn to_step(&self) -> i64 {
        (**self).to_step()
    }
}

impl<T: Scalar> Scalar for &T {
    fn to_scalar(&self) -> f64 {
        (**self).to_scalar()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_beyond_the_range_stop_at_its_end() {
        assert_eq!(u64::MAX.to_step(), i64::MAX);
        assert_eq!(7_usize.to_step(), 7);
        assert_eq!((-7_i32).to_step(), -7);
    }
}

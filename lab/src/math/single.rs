//! Functions of `f32` outside layers and losses, by the crate `pxfm`, which rounds correctly.

pub(crate) use pxfm::{f_cosf as cos, f_logf as ln, f_powf as powf, f_sinf as sin};

//! The same on a GPU.

use cuda::code::Outcome;
use cuda::math::{Buffer, dropout, sizes};

use super::drop::{DropOut, share};
use crate::nn::op::Kernels;

impl DropOut {
    fn drawn(&self) -> dropout::Rule {
        let rule = self.rule;
        dropout::Rule {
            share: share(rule.percent),
            scale: rule.scale,
            shift: rule.shift,
            dropped: rule.dropped,
            group: self.group,
            key: self.key,
        }
    }
}

impl Kernels for DropOut {
    fn forward(&mut self, inputs: &[Buffer], output: Buffer) -> Outcome<()> {
        let [x] = *inputs else { return Err(sizes("dropout")) };
        dropout::drop_out(&self.drawn(), x, output)
    }

    fn backward(&mut self, _: &[Buffer], gradient: Buffer, gradients: &[Buffer]) -> Outcome<()> {
        let [to] = *gradients else { return Err(sizes("dropout")) };
        dropout::drop_out_backward(&self.drawn(), gradient, to)
    }
}

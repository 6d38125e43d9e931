//! Frozen weights on a GPU: they are put back there.

use cuda::math::{Buffer, Room};
use dfdx::nn::TensorCollection;

use crate::device::Dev;
use crate::train::located::{own_tensors, tensors};

/// What the frozen ones among a model's tensors hold, by their places in the model.
#[derive(Debug, Default)]
pub(super) struct Kept {
    rooms: Vec<(usize, Room)>,
    /// Numbers of each tensor of the model.
    sizes: Vec<usize>,
}

impl Kept {
    /// Nothing where the GPU has no room for it.
    pub(super) fn of<M: TensorCollection<f32, Dev>>(model: &M, frozen: &[bool]) -> Self {
        Self::copied(&tensors(model).unwrap_or_default(), frozen)
    }

    fn copied(tensors: &[Buffer], frozen: &[bool]) -> Self {
        let places = (0..tensors.len()).filter(|place| frozen.get(*place) == Some(&true));
        let copied = |place: usize| {
            let room = Room::new(tensors[place].len())?;
            room.buffer().copy(tensors[place]).map(|()| (place, room))
        };
        let rooms: cuda::code::Outcome<Vec<_>> = places.map(copied).collect();
        let sizes = tensors.iter().map(|tensor| tensor.len()).collect();
        rooms.map(|rooms| Self { rooms, sizes }).unwrap_or_default()
    }

    /// Puts them back; whether that could be done. A model of other tensors stays as it is.
    pub(super) fn put_back<M: TensorCollection<f32, Dev>>(&self, model: &mut M) -> bool {
        !self.rooms.is_empty() && own_tensors(model).is_ok_and(|tensors| self.write(&tensors))
    }

    fn write(&self, tensors: &[Buffer]) -> bool {
        let alike = tensors.iter().map(|tensor| tensor.len()).eq(self.sizes.iter().copied());
        alike && self.rooms.iter().all(|(place, room)| tensors[*place].copy(room.buffer()).is_ok())
    }
}

/// A copy puts its weights back from the processor.
impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The numbers are compared beside it.
impl PartialEq for Kept {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

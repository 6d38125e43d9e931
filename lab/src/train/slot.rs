//! What an optimizer or an average keeps for each weight, where the weights are: on the processor a `Vec`, on a GPU a room of its
//! own there.

use super::TrainError;

#[cfg(not(feature = "gpu"))]
pub(super) use on_cpu::{Slot, len, numbers, of, zeros};
#[cfg(feature = "gpu")]
pub(super) use on_gpu::{Slot, len, numbers, of, zeros};

#[cfg(not(feature = "gpu"))]
mod on_cpu {
    use super::TrainError;

    pub(in crate::train) type Slot = Vec<f32>;

    #[allow(clippy::unnecessary_wraps)] // a GPU may be full
    pub(in crate::train) fn zeros(len: usize) -> Result<Slot, TrainError> {
        Ok(vec![0.0; len])
    }

    #[allow(clippy::unnecessary_wraps)]
    pub(in crate::train) fn of(numbers: Vec<f32>) -> Result<Slot, TrainError> {
        Ok(numbers)
    }

    pub(in crate::train) fn numbers(slot: &Slot) -> Vec<f32> {
        slot.clone()
    }

    pub(in crate::train) fn len(slot: &Slot) -> usize {
        slot.len()
    }
}

#[cfg(feature = "gpu")]
mod on_gpu {
    use cuda::code::Failure;
    use cuda::math::{Buffer, Room};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

    use super::TrainError;

    /// Cloned, compared and serialized rarely: when a state is saved or tested.
    #[derive(Debug)]
    pub(in crate::train) struct Slot(pub(in crate::train) Room);

    pub(in crate::train) fn zeros(len: usize) -> Result<Slot, TrainError> {
        Ok(Slot(Room::zeros(len).map_err(failed)?))
    }

    #[allow(clippy::needless_pass_by_value)] // on the processor it is kept
    pub(in crate::train) fn of(numbers: Vec<f32>) -> Result<Slot, TrainError> {
        Ok(Slot(Room::with(&numbers).map_err(failed)?))
    }

    /// Zeros where the GPU is lost: there is nothing to be read any more, and the next step says so.
    pub(in crate::train) fn numbers(slot: &Slot) -> Vec<f32> {
        slot.0.buffer().download().unwrap_or_else(|_| vec![0.0; len(slot)])
    }

    pub(in crate::train) fn len(slot: &Slot) -> usize {
        slot.0.buffer().len()
    }

    pub(in crate::train) fn failed(failure: Failure) -> TrainError {
        TrainError::Device { reason: failure.to_string() }
    }

    /// What a buffer holds now.
    pub(in crate::train) fn copied(buffer: Buffer) -> Result<Slot, TrainError> {
        let room = Room::new(buffer.len()).and_then(|room| room.buffer().copy(buffer).map(|()| room));
        room.map(Slot).map_err(failed)
    }

    impl Clone for Slot {
        fn clone(&self) -> Self {
            // A memory is cloned where nothing can be answered.
            copied(self.0.buffer()).unwrap_or_else(|failure| panic!("{failure}"))
        }
    }

    impl Serialize for Slot {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.buffer().download().map_err(ser::Error::custom)?.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Slot {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            of(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }

    impl PartialEq for Slot {
        fn eq(&self, other: &Self) -> bool {
            numbers(self) == numbers(other)
        }
    }
}

#[cfg(feature = "gpu")]
pub(super) use on_gpu::{copied, failed};

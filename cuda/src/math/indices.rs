//! Whole numbers on the device.

use super::{Parameter, Room, upload};
use crate::code::Outcome;

/// Whole numbers on the device: which row, which class.
#[derive(Debug)]
pub struct Indices {
    room: Room,
    end: u32,
}

impl Indices {
    /// Copies them to the device.
    ///
    /// # Errors
    /// When there is no room, or the copy fails.
    pub fn new(indices: &[u32]) -> Outcome<Self> {
        let room = Room::new(indices.len())?;
        upload(room.buffer(), indices)?;
        Ok(Self { room, end: indices.iter().map(|index| index.saturating_add(1)).max().unwrap_or(0) })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.room.buffer().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all of them are below a limit.
    #[must_use]
    pub fn are_below(&self, limit: usize) -> bool {
        self.end as usize <= limit
    }
}

impl Indices {
    /// Those from the `start`th on, for a kernel.
    pub(super) fn after(&self, start: usize) -> Parameter {
        Parameter::Address(self.room.buffer().address() + 4 * start as u64)
    }
}

impl From<&Indices> for Parameter {
    fn from(indices: &Indices) -> Self {
        indices.after(0)
    }
}

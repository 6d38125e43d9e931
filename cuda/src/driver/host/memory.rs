//! The device's memory: which addresses were given out, and how much is left.

use std::collections::BTreeMap;

use super::super::Address;
use super::block::Block;
use crate::code::{Failure, ILLEGAL_ADDRESS, INVALID_VALUE, OUT_OF_MEMORY, Outcome};

/// Below this no memory lies on any system, so such an address can stand for memory of 0 bytes.
const NOTHING: Address = 4096;

/// All blocks by address.
pub(super) struct Memory {
    limit: u64,
    taken: u64,
    blocks: BTreeMap<Address, Block>,
}

impl Memory {
    /// Memory of so many bytes.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, taken: 0, blocks: BTreeMap::new() }
    }

    /// Bytes in all.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes given out.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Gives out memory.
    pub(super) fn allocate(&mut self, call: &'static str, bytes: usize) -> Outcome<Address> {
        if bytes == 0 {
            return Err(Failure::because(call, INVALID_VALUE, "memory of 0 bytes was asked for"));
        }
        let left = self.limit - self.taken;
        let block = Some(bytes).filter(|bytes| *bytes as u64 <= left).and_then(Block::new).ok_or_else(|| {
            let reason = format!("{bytes} bytes were asked for and {left} of {} are left", self.limit);
            Failure::because(call, OUT_OF_MEMORY, reason)
        })?;
        let address = block.address();
        self.taken += bytes as u64;
        self.blocks.insert(address, block);
        Ok(address)
    }

    /// Takes memory back.
    pub(super) fn free(&mut self, call: &'static str, address: Address) -> Outcome<()> {
        let Some(block) = self.blocks.remove(&address) else {
            let reason = format!("no memory was given out at {address:#x}, or it was freed before");
            return Err(Failure::because(call, INVALID_VALUE, reason));
        };
        self.taken -= block.bytes() as u64;
        Ok(())
    }

    /// Where `bytes` from `address` on lie, all in one block.
    pub(super) fn span(&self, call: &'static str, address: Address, bytes: usize) -> Outcome<*mut u8> {
        let outside = || {
            let reason = format!("{bytes} bytes at {address:#x} are not, or not all, in memory that was given out");
            Failure::because(call, INVALID_VALUE, reason)
        };
        let (block, offset) = self.block(address).ok_or_else(outside)?;
        let fits = block.bytes() - offset >= bytes;
        fits.then(|| block.at(offset)).ok_or_else(outside)
    }

    /// Whether a kernel may be given this address: in a block or at its end, or that of nothing.
    pub(super) fn holds(&self, address: Address) -> bool {
        address < NOTHING || self.block(address).is_some()
    }

    /// Fails if something was written beside one of the blocks that these addresses are in.
    pub(super) fn check(
        &self,
        call: &'static str,
        writer: &str,
        addresses: impl Iterator<Item = Address>,
    ) -> Outcome<()> {
        let mut blocks = addresses.filter_map(|address| self.block(address));
        let Some((block, _)) = blocks.find(|(block, _)| !block.intact()) else { return Ok(()) };
        let reason = format!("{writer} wrote beside the {} bytes at {:#x}", block.bytes(), block.address());
        Err(Failure::because(call, ILLEGAL_ADDRESS, reason))
    }

    fn block(&self, address: Address) -> Option<(&Block, usize)> {
        let (start, block) = self.blocks.range(..=address).next_back()?;
        let offset = usize::try_from(address - start).ok().filter(|offset| *offset <= block.bytes())?;
        Some((block, offset))
    }
}

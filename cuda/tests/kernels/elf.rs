//! What is in a cubin: an ELF file of 64 bits whose functions are a GPU's.

use std::collections::BTreeSet;

/// `EM_CUDA`.
const CUDA: u16 = 190;

/// Marks a function as one that can be launched, in a symbol's `st_other`.
const ENTRY: u8 = 0x10;

pub(crate) struct Cubin {
    /// 90 for `sm_90`.
    pub(crate) architecture: u32,
    /// Kernels that are defined in it.
    pub(crate) entries: BTreeSet<String>,
}

/// Reads a cubin; panics where it isn't one.
pub(crate) fn read(bytes: &[u8]) -> Cubin {
    assert_eq!(&bytes[..5], b"\x7fELF\x02", "a 64-bit ELF file");
    assert_eq!(u16::from_le_bytes(take(bytes, 18)), CUDA, "a machine of NVIDIA's");
    let flags = u32::from_le_bytes(take(bytes, 48));
    // The eighth revision of the format moved the architecture.
    let architecture = if bytes[8] >= 8 { flags >> 8 & 0xff } else { flags & 0xff };
    Cubin { architecture, entries: entries(bytes) }
}

fn entries(bytes: &[u8]) -> BTreeSet<String> {
    let sections = offset(bytes, 40);
    let count = usize::from(u16::from_le_bytes(take(bytes, 60)));
    let section = |index: usize| sections + 64 * index;
    let table =
        (0..count).map(section).find(|at| u32::from_le_bytes(take(bytes, at + 4)) == 2).expect("a symbol table");
    let (symbols, size) = (offset(bytes, table + 24), offset(bytes, table + 32));
    let strings = offset(bytes, section(u32::from_le_bytes(take(bytes, table + 40)) as usize) + 24);
    let entry = |at: usize| {
        let (info, other, home) = (bytes[at + 4], bytes[at + 5], u16::from_le_bytes(take(bytes, at + 6)));
        // A global function that is launched and defined here.
        (info == 0x12 && other & ENTRY != 0 && home != 0).then(|| name(bytes, strings, at))
    };
    (symbols..symbols + size).step_by(24).filter_map(entry).collect()
}

fn name(bytes: &[u8], strings: usize, symbol: usize) -> String {
    let at = strings + u32::from_le_bytes(take(bytes, symbol)) as usize;
    bytes[at..].iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
}

fn offset(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(take(bytes, at))).unwrap()
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

//! Where the loader keeps the addresses of the functions that a loaded library calls.

use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
const DT_RELA: i64 = 7;
const DT_RELASZ: i64 = 8;
const DT_PLTRELSZ: i64 = 2;
const DT_JMPREL: i64 = 23;

/// `R_*_GLOB_DAT`, `R_*_JUMP_SLOT` and the plain word, of which vtables are made.
#[cfg(target_arch = "x86_64")]
const KINDS: [u32; 3] = [6, 7, 1];
#[cfg(target_arch = "aarch64")]
const KINDS: [u32; 3] = [1025, 1026, 257];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const KINDS: [u32; 0] = [];

/// Calls `take` for the libraries that are `wanted`, by path and base, with each word through which they call a
/// function: the path, the function's symbol, and where the word is. The loader is locked meanwhile: neither of the two
/// may ask it for anything.
pub(crate) fn each_slot(wanted: &mut dyn FnMut(&str, usize) -> bool, take: &mut dyn FnMut(&str, &str, *mut usize)) {
    struct Walk<'a> {
        wanted: &'a mut dyn FnMut(&str, usize) -> bool,
        take: &'a mut dyn FnMut(&str, &str, *mut usize),
    }
    unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, walk: *mut c_void) -> c_int {
        // SAFETY: the loader passes its record of a loaded library, and back what it was given below.
        let (info, walk) = unsafe { (&*info, &mut *walk.cast::<Walk<'_>>()) };
        // SAFETY: the loader's name of the library, which ends with a zero.
        let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_string_lossy();
        if (walk.wanted)(&name, info.dlpi_addr as usize) {
            // SAFETY: the record is the loader's, of a library that is loaded and is never unloaded.
            unsafe { slots(info, &mut |symbol, at| (walk.take)(&name, symbol, at)) };
        }
        0
    }
    let mut walk = Walk { wanted, take };
    // SAFETY: `visit` is called before this returns, with `walk`.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut walk).cast()) };
}

/// Writes a function where the loader keeps the address of another one.
pub(crate) fn write(slot: *mut usize, function: *const (), writable: bool) {
    const PAGE: usize = 4096;
    let page = (slot as usize & !(PAGE - 1)) as *mut c_void;
    // SAFETY: the page holds a word of the loader's table of a library that is loaded. Cells keep theirs writable;
    // that of another library was made read-only when it was loaded, and is so again afterwards.
    if !writable && unsafe { libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
        return;
    }
    // SAFETY: an aligned word through which the library calls a function; the loader and such calls access it as a
    // whole. What is stored is a function of the same signature (`waits`, `math::replace`).
    unsafe { AtomicUsize::from_ptr(slot) }.store(function as usize, Ordering::Release);
    if !writable {
        // SAFETY: as above.
        unsafe { libc::mprotect(page, PAGE, libc::PROT_READ) };
    }
}

/// # Safety
/// `info` describes a library that stays loaded.
unsafe fn slots(info: &libc::dl_phdr_info, take: &mut dyn FnMut(&str, *mut usize)) {
    let base = info.dlpi_addr as usize;
    // SAFETY: the loader's table of so many program headers.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let Some(dynamic) = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC) else { return };
    let mut entry = (base + dynamic.p_vaddr as usize) as *const [i64; 2];
    let (mut text, mut symbols, mut tables) = (0, 0, [(0, 0); 2]);
    // SAFETY: the dynamic section is mapped and ends with an entry of tag 0.
    while let [tag, value] = unsafe { entry.read() }
        && tag != 0
    {
        let value = value as usize;
        // glibc has made addresses of what are offsets in the file.
        match tag {
            DT_STRTAB => text = value,
            DT_SYMTAB => symbols = value,
            DT_RELA => tables[0].0 = value,
            DT_RELASZ => tables[0].1 = value,
            DT_JMPREL => tables[1].0 = value,
            DT_PLTRELSZ => tables[1].1 = value,
            _ => {}
        }
        // SAFETY: the entry before was not the last.
        entry = unsafe { entry.add(1) };
    }
    if text < base || symbols < base {
        return;
    }
    for (table, bytes) in tables.into_iter().filter(|(table, _)| *table >= base && *table != 0) {
        // SAFETY: the section says where its table of relocations is and how long; all of it is mapped.
        let relocations = unsafe { std::slice::from_raw_parts(table as *const [u64; 3], bytes / 24) };
        for &[offset, info, addend] in relocations {
            let (kind, index) = (info as u32, (info >> 32) as usize);
            if !KINDS.contains(&kind) || index == 0 || addend != 0 {
                continue;
            }
            // SAFETY: the loader resolved this relocation by this symbol: 24 bytes, the first four say where its
            // name is.
            let symbol = unsafe {
                let name = ((symbols + index * 24) as *const u32).read();
                CStr::from_ptr((text + name as usize) as *const _)
            };
            if let Ok(symbol) = symbol.to_str() {
                take(symbol, (base + offset as usize) as *mut usize);
            }
        }
    }
}

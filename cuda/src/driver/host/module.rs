//! A compiled unit in this process, and its kernels.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::Arc;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use parking_lot::Mutex;

use super::compiler;
use crate::code::{Failure, INVALID_IMAGE, INVALID_VALUE, NOT_FOUND, Outcome, SUCCESS};
use crate::driver::Address;
use crate::driver::Grid;

/// A shared object. It stays loaded as long as the process.
pub(super) struct Module {
    library: Library,
    /// Held by a launch: shared memory, and where each thread is, lie in the module once.
    alone: Mutex<()>,
}

impl Module {
    /// Loads a shared object that [`compiler`] made.
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        // SAFETY: the file is what the C++ compiler made of a unit; it has no initialisers but those of a unit's own
        // static variables.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| {
            Failure::because(compiler::CALL, INVALID_IMAGE, format!("the compiled kernel can't be loaded: {error}"))
        })?;
        Ok(Self { library, alone: Mutex::default() })
    }
}

/// `assay::Grid` of block.h.
#[repr(C)]
struct Threads {
    blocks: [u32; 3],
    threads: [u32; 3],
}

/// `assay::Stop` of block.h.
#[repr(C)]
struct Stop {
    code: c_int,
    reason: *const c_char,
}

type Run = unsafe extern "C" fn(*mut *mut c_void, *const Threads) -> Stop;
type Kinds = unsafe extern "C" fn() -> *const u8;

/// A kernel of a module.
pub(super) struct Kernel {
    name: String,
    module: Arc<Module>,
    run: Run,
    /// For each parameter, whether it is a pointer.
    pointers: Vec<bool>,
}

impl Kernel {
    /// The kernel of this name.
    pub(super) fn of(call: &'static str, module: Arc<Module>, name: &str) -> Outcome<Self> {
        let missing = |_| Failure::because(call, NOT_FOUND, format!("no kernel is called `{name}`"));
        // SAFETY: functions of these names are written by `source::launches`, with these types.
        let (run, kinds) = unsafe {
            let run = module.library.get::<Run>(format!("assay_run_{name}").as_bytes()).map_err(missing)?;
            let kinds = module.library.get::<Kinds>(format!("assay_kinds_{name}").as_bytes()).map_err(missing)?;
            (*run, *kinds)
        };
        // SAFETY: it takes nothing and answers with static bytes of which the first that is 2 is the last.
        let pointers = unsafe {
            let kinds = kinds();
            (0..).map(|index| *kinds.add(index)).take_while(|kind| *kind != 2).map(|kind| kind == 1).collect()
        };
        Ok(Self { name: name.to_owned(), module, run, pointers })
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The addresses among the parameters, with their places.
    ///
    /// # Safety
    /// `parameters` must be null, or hold as many entries as the kernel takes parameters, each null or pointing to one
    /// of the right type.
    pub(super) unsafe fn addresses(
        &self,
        call: &'static str,
        parameters: *mut *mut c_void,
    ) -> Outcome<Vec<(usize, Address)>> {
        let missing = |place: usize| {
            let reason = format!("{} was launched without its parameter {place}", self.name);
            Failure::because(call, INVALID_VALUE, reason)
        };
        let mut addresses = Vec::new();
        for (place, is_pointer) in self.pointers.iter().enumerate() {
            if parameters.is_null() {
                return Err(missing(place));
            }
            // SAFETY: there is an entry for each parameter, says the caller.
            let parameter = unsafe { *parameters.add(place) };
            if parameter.is_null() {
                return Err(missing(place));
            }
            if *is_pointer {
                // SAFETY: the kernel's parameter is a pointer, so 8 bytes can be read where it lies.
                addresses.push((place, unsafe { parameter.cast::<Address>().read_unaligned() }));
            }
        }
        Ok(addresses)
    }

    /// Runs all threads of a launch.
    ///
    /// # Safety
    /// As for [`addresses`](Self::addresses), and every address must be one that the kernel may use, unless the
    /// kernel does not.
    pub(super) unsafe fn run(&self, call: &'static str, grid: Grid, parameters: *mut *mut c_void) -> Outcome<()> {
        let threads = Threads { blocks: grid.blocks, threads: grid.threads };
        let _alone = self.module.alone.lock();
        // SAFETY: the parameters fit, says the caller; the module's own state is used by this thread only.
        let stop = unsafe { (self.run)(parameters, &raw const threads) };
        if stop.code == SUCCESS {
            return Ok(());
        }
        // SAFETY: block.h answers with a string literal.
        let reason = unsafe { CStr::from_ptr(stop.reason) }.to_string_lossy();
        Err(Failure::because(call, stop.code, format!("{}: {reason}", self.name)))
    }
}

//! A device, and safe ways to use it.

use std::borrow::Cow;
use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cuda::code::Outcome;
use cuda::driver::host::{Host, Limits};
use cuda::driver::{Address, DEFAULT_STREAM, Driver, Grid, Handle};
use cuda::kernels::Unit;

use crate::package;

/// A device whose context this thread has entered.
pub(crate) struct Rig {
    pub(crate) host: Host,
}

/// One parameter of a launch: its bytes, where any type can lie.
pub(crate) struct Parameter([u64; 8]);

/// A parameter by value; an address is one too.
pub(crate) fn by<T: Copy>(value: T) -> Parameter {
    assert!(size_of::<T>() <= 64);
    let mut bytes = [0; 8];
    // SAFETY: the value fits, says the line above.
    unsafe { bytes.as_mut_ptr().cast::<T>().write_unaligned(value) };
    Parameter(bytes)
}

/// The folder in which the tests of all runs keep kernels.
pub(crate) fn limits() -> Limits {
    Limits::in_folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels"))
}

/// So many threads in one row of blocks of 128.
pub(crate) fn threads(count: usize) -> Grid {
    let blocks = u32::try_from(count.div_ceil(128)).unwrap();
    Grid { blocks: [blocks, 1, 1], threads: [128, 1, 1], shared: 0 }
}

/// One block.
pub(crate) fn block(threads: u32) -> Grid {
    Grid { blocks: [1, 1, 1], threads: [threads, 1, 1], shared: 0 }
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(limits())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let rig = Self { host: Host::new(limits) };
        let context = rig.host.retain_context(0).unwrap();
        rig.host.enter_context(context).unwrap();
        rig
    }

    /// Memory that holds these values.
    pub(crate) fn put<T: Copy>(&self, values: &[T]) -> Address {
        let to = self.host.allocate(size_of_val(values)).unwrap();
        // SAFETY: as many bytes were just allocated, and the slice has them.
        unsafe { self.host.upload(to, values.as_ptr().cast(), size_of_val(values), DEFAULT_STREAM) }.unwrap();
        to
    }

    /// The first values at an address.
    pub(crate) fn get<T: Copy + Default>(&self, from: Address, count: usize) -> Vec<T> {
        let mut values = vec![T::default(); count];
        let bytes = size_of::<T>() * count;
        // SAFETY: the vector has as many bytes; the device checks its own side.
        unsafe { self.host.download(values.as_mut_ptr().cast(), from, bytes, DEFAULT_STREAM) }.unwrap();
        values
    }

    /// A module of this text.
    pub(crate) fn text(&self, text: &str) -> Handle {
        self.host.load(&unit(text)).unwrap()
    }

    /// A module of a file of dfdx: `adam/adam.cu`.
    pub(crate) fn dfdx(&self, file: &str) -> Handle {
        self.host.load(&dfdx_unit(&OPERATIONS.join(file))).unwrap()
    }

    /// Runs a kernel.
    pub(crate) fn run(&self, module: Handle, name: &str, grid: Grid, parameters: &[Parameter]) -> Outcome<()> {
        let function = self.host.function(module, name)?;
        let mut places: Vec<*mut c_void> = parameters.iter().map(|p| p.0.as_ptr().cast_mut().cast()).collect();
        // SAFETY: the tests give each kernel what it takes.
        unsafe { self.host.launch(function, grid, DEFAULT_STREAM, places.as_mut_ptr()) }
    }
}

/// A unit that includes nothing.
pub(crate) fn unit(text: &str) -> Unit {
    Unit { name: "test.cu".into(), text: Cow::Owned(text.to_owned()), headers: [].into() }
}

/// A file of dfdx, with the headers that lie in its folder `utilities`.
pub(crate) fn dfdx_unit(path: &Path) -> Unit {
    let read = |path: &Path| -> (Cow<'static, str>, Cow<'static, str>) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name.into(), std::fs::read_to_string(path).unwrap().into())
    };
    let headers = files(&OPERATIONS.join("utilities"), "cuh").iter().map(|path| read(path)).collect();
    let (name, text) = read(path);
    Unit { name, text, headers }
}

/// All files of a folder and the folders in it that end so.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { files(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect();
    found.sort();
    found
}

/// Where dfdx's operations lie on this machine.
pub(crate) static OPERATIONS: LazyLock<PathBuf> = LazyLock::new(|| package::dfdx().join("src/tensor_ops"));

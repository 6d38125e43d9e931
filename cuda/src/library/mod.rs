//! NVIDIA's libraries, found and opened while the program runs.
//!
//! This process defines functions of the same names (`cuInit`, `cublasCreate_v2`, ...) for dfdx. NVIDIA's libraries
//! must never see those when they call each other, so they are opened with `RTLD_DEEPBIND` (their own symbols come
//! before ours) and `RTLD_LOCAL` (and stay out of everybody's way), and asked for functions by handle only.
//!
//! They are never closed: they start threads and leave handlers for the end of the process.

pub mod driver;
mod places;

use std::ffi::{CStr, CString, c_int, c_void};
use std::fmt;
use std::path::{Path, PathBuf};

use libloading::os::unix::Library;

use places::Place;
pub use places::VARIABLE;

/// The libraries that we open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The driver's own, `libcuda`.
    Driver,
    /// Products of matrices.
    Blas,
    /// The compiler of kernels.
    Nvrtc,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Driver => "NVIDIA driver",
            Self::Blas => "cuBLAS",
            Self::Nvrtc => "NVRTC",
        })
    }
}

/// A version of CUDA, of cuBLAS or of NVRTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 12 of 12.9.
    pub major: i32,
    /// 9 of 12.9.
    pub minor: i32,
}

impl Version {
    /// From the driver's number: 12090 is 12.9.
    #[must_use]
    pub fn of_number(number: i32) -> Self {
        Self { major: number / 1000, minor: number % 1000 / 10 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What was found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which library.
    pub kind: Kind,
    /// The file.
    pub path: PathBuf,
    /// Its version; of the driver, the newest CUDA that it runs.
    pub version: Version,
}

/// A library that can be called.
#[derive(Debug)]
pub struct Opened {
    /// Where its functions are; open until the process ends.
    pub library: &'static Library,
    /// What it is.
    pub found: Found,
}

/// Why a library can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// It is in none of the places.
    #[error("{kind} was not found")]
    Nowhere {
        /// Which.
        kind: Kind,
    },
    /// It is there, for another driver.
    #[error("{found_kind} {version} ({path}) is too new for a driver of CUDA {driver}", found_kind = found.kind, version = found.version, path = found.path.display())]
    TooNew {
        /// The first that was found.
        found: Box<Found>,
        /// What the driver can run.
        driver: Version,
    },
    /// It is there and broken.
    #[error("{kind} can't be used ({path}): {problem}", path = path.display())]
    Broken {
        /// Which.
        kind: Kind,
        /// The first file that was tried in vain.
        path: PathBuf,
        /// What the loader says, or which function is not there.
        problem: String,
    },
}

impl Missing {
    /// Which library it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nowhere { kind } | Self::Broken { kind, .. } => *kind,
            Self::TooNew { found, .. } => found.kind,
        }
    }
}

const DRIVER: &str = "libcuda.so.1";

/// Opens the driver.
///
/// # Errors
/// When it isn't there or can't be loaded.
pub fn open_driver() -> Result<Opened, Missing> {
    first(Kind::Driver, places::of_driver().iter().map(|place| (place, DRIVER.to_owned())), |_| Ok(()))
}

/// Opens cuBLAS of the driver's CUDA, or of an older one.
///
/// # Errors
/// When there is none, or none that works under this driver.
pub fn open_blas(driver: Version) -> Result<Opened, Missing> {
    versioned(Kind::Blas, driver, None)
}

/// Opens NVRTC of the driver's CUDA, or of an older one; first of cuBLAS's CUDA where that is told.
///
/// # Errors
/// When there is none, or none whose machine code runs under this driver.
pub fn open_nvrtc(driver: Version, blas: Option<Version>) -> Result<Opened, Missing> {
    versioned(Kind::Nvrtc, driver, blas.map(|blas| blas.major))
}

/// Opens the first of a kind whose major version the driver can run; the preferred one in the last place before any
/// other in the first.
fn versioned(kind: Kind, driver: Version, preferred: Option<i32>) -> Result<Opened, Missing> {
    let places = places::of_libraries();
    let search = |majors: &mut dyn Iterator<Item = i32>| {
        let names: Vec<_> = majors.map(|major| name(kind, major)).collect();
        let candidates = places.iter().flat_map(|place| names.iter().map(move |name| (place, name.clone())));
        first(kind, candidates, |found| match found.version.major <= driver.major {
            true => Ok(()),
            false => Err(Missing::TooNew { found: Box::new(found.clone()), driver }),
        })
    };
    let fitting = || (OLDEST..=driver.major).rev();
    search(&mut preferred.into_iter().filter(|major| fitting().any(|it| it == *major)))
        .or_else(|_| search(&mut fitting()))
        // Nothing was found: is there one that is too new? That is for the message only.
        .or_else(|missing| match missing {
            Missing::Nowhere { .. } => search(&mut (driver.major + 1..=NEWEST)),
            other => Err(other),
        })
}

/// The first major version of CUDA whose NVRTC makes machine code.
const OLDEST: i32 = 11;

/// The last one that we look for under a driver that is too old for it.
const NEWEST: i32 = 15;

/// What to tell pip to install, for a library that runs under a driver of this major version of CUDA. Drivers do not
/// come that way.
#[must_use]
pub fn wheel(kind: Kind, major: i32) -> Option<String> {
    let name = match kind {
        Kind::Driver => return None,
        Kind::Blas => "nvidia-cublas",
        Kind::Nvrtc => "nvidia-cuda-nvrtc",
    };
    // From CUDA 13 on the packages' names carry no number.
    Some(if major < 13 { format!("{name}-cu{major}") } else { format!("\"{name}<{}\"", major + 1) })
}

/// The file that a major version comes in.
fn name(kind: Kind, major: i32) -> String {
    match (kind, major) {
        (Kind::Driver, _) => DRIVER.to_owned(),
        (Kind::Blas, _) => format!("libcublas.so.{major}"),
        // All of CUDA 11 from 11.2 on call themselves so.
        (Kind::Nvrtc, 11) => "libnvrtc.so.11.2".to_owned(),
        (Kind::Nvrtc, _) => format!("libnvrtc.so.{major}"),
    }
}

/// The first that opens and is accepted; else the most telling of what went wrong.
fn first<'a>(
    kind: Kind,
    candidates: impl Iterator<Item = (&'a Place, String)>,
    accept: impl Fn(&Found) -> Result<(), Missing>,
) -> Result<Opened, Missing> {
    let mut problem = Missing::Nowhere { kind };
    for (place, name) in candidates {
        let outcome = match place {
            Place::Folder(folder) if !folder.join(&name).exists() => continue,
            Place::Folder(folder) => open(kind, &folder.join(&name)),
            // The loader searches for what has no folder in its name. That it finds nothing is no news.
            Place::Loader => match open(kind, Path::new(&name)) {
                Err(Missing::Broken { problem, .. }) if problem.contains("cannot open shared object file") => continue,
                outcome => outcome,
            },
        };
        match outcome.and_then(|opened| accept(&opened.found).map(|()| opened)) {
            Ok(opened) => return Ok(opened),
            Err(other) if matches!(problem, Missing::Nowhere { .. }) => problem = other,
            Err(_) => {}
        }
    }
    Err(problem)
}

/// Opens the library in this file.
///
/// # Errors
/// When it can't be loaded, or is another library.
pub fn open(kind: Kind, path: &Path) -> Result<Opened, Missing> {
    companions(kind, path);
    let broken = |problem| Missing::Broken { kind, path: path.to_owned(), problem };
    let library = load(path).map_err(|error| broken(error.to_string()))?;
    let version = version(kind, library).map_err(broken)?;
    let path = origin(kind, library).unwrap_or_else(|| path.to_owned());
    Ok(Opened { library, found: Found { kind, path, version } })
}

/// Loads what a library asks the loader for while it works, from the folder that it lies in itself: the loader would
/// not look there. What fails here fails again, and is told, when the library is loaded or used.
fn companions(kind: Kind, path: &Path) {
    let prefix = match kind {
        Kind::Driver => return,
        Kind::Blas => "libcublasLt.so.",
        Kind::Nvrtc => "libnvrtc-builtins.so.",
    };
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let wanted = |name: &str| match kind {
        // `libcublasLt.so.12` for `libcublas.so.12`; `libnvrtc-builtins.so.12.9` for `libnvrtc.so.12`.
        Kind::Blas => {
            path.extension().and_then(|major| major.to_str()).is_some_and(|it| name == format!("{prefix}{it}"))
        }
        _ => {
            let major = path.to_string_lossy();
            let major = major.rsplit(".so.").next().and_then(|it| it.split('.').next()).unwrap_or_default();
            name.strip_prefix(prefix).is_some_and(|it| it.split('.').next() == Some(major))
        }
    };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(wanted) {
            // An error is told by the library that needs it.
            let _ = load(&entry.path());
        }
    }
}

/// Opens a library for as long as the process lives.
fn load(path: &Path) -> Result<&'static Library, libloading::Error> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    const FLAGS: c_int = libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND;
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    const FLAGS: c_int = libc::RTLD_NOW | libc::RTLD_LOCAL;
    // SAFETY: what runs when it is loaded is NVIDIA's own; the files have NVIDIA's names and lie where it, pip or the
    // person put them.
    let library = unsafe { Library::open(Some(path), FLAGS) }?;
    Ok(Box::leak(Box::new(library)))
}

/// A function of a library.
///
/// # Safety
/// `F` must be the type of the function of this name, and a function pointer.
///
/// # Errors
/// With the function's name, when the library has none of this name.
pub unsafe fn function<F: Copy>(library: &'static Library, name: &'static CStr) -> Result<F, String> {
    // SAFETY: the caller's word for the type. The library is never closed, so the copy stays valid.
    let symbol = unsafe { library.get::<F>(name.to_bytes_with_nul()) };
    symbol.map(|symbol| *symbol).map_err(|_| format!("it has no {}", name.to_string_lossy()))
}

/// The version that a library says it is of.
fn version(kind: Kind, library: &'static Library) -> Result<Version, String> {
    let answer = |call: &str, code: c_int| match code {
        0 => Ok(()),
        code => Err(format!("{call} answers {code}")),
    };
    let (mut major, mut minor) = (0, 0);
    match kind {
        Kind::Driver => {
            // SAFETY: as in cuda.h; it may be called before cuInit.
            let ask: unsafe extern "C" fn(*mut c_int) -> c_int = unsafe { function(library, c"cuDriverGetVersion") }?;
            // SAFETY: it writes one int.
            answer("cuDriverGetVersion", unsafe { ask(&raw mut major) })?;
            return Ok(Version::of_number(major));
        }
        Kind::Blas => {
            // SAFETY: as in cublas_api.h; the property is one of the enum's 0 to 2.
            let ask: unsafe extern "C" fn(c_int, *mut c_int) -> c_int =
                unsafe { function(library, c"cublasGetProperty") }?;
            // SAFETY: it writes one int.
            answer("cublasGetProperty", unsafe { ask(0, &raw mut major) })?;
            // SAFETY: it writes one int.
            answer("cublasGetProperty", unsafe { ask(1, &raw mut minor) })?;
        }
        Kind::Nvrtc => {
            // SAFETY: as in nvrtc.h.
            let ask: unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int =
                unsafe { function(library, c"nvrtcVersion") }?;
            // SAFETY: it writes two ints.
            answer("nvrtcVersion", unsafe { ask(&raw mut major, &raw mut minor) })?;
        }
    }
    Ok(Version { major, minor })
}

/// The file that the loader took.
fn origin(kind: Kind, library: &'static Library) -> Option<PathBuf> {
    let name = match kind {
        Kind::Driver => c"cuDriverGetVersion",
        Kind::Blas => c"cublasGetProperty",
        Kind::Nvrtc => c"nvrtcVersion",
    };
    // SAFETY: only its address is taken.
    let address: *const c_void = unsafe { function(library, name) }.ok()?;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: it fills the structure, or answers 0.
    if unsafe { libc::dladdr(address, info.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: all of it may be zero, and dladdr has filled it.
    let file = unsafe { info.assume_init() }.dli_fname;
    if file.is_null() {
        return None;
    }
    // SAFETY: a string of the loader's that lives as long as the library.
    let file = CString::from(unsafe { CStr::from_ptr(file) });
    Some(PathBuf::from(file.into_string().ok()?))
}

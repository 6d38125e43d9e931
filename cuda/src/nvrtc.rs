//! NVRTC: from the source of a kernel to machine code, in this process.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;

use crate::code::{self, Failure, Outcome};
use crate::kernels::Unit;
use crate::library::{self, Found, Missing, Opened, Version, function};

/// A program that is being compiled.
type Program = *mut c_void;

/// Functions of `libnvrtc`, as in `nvrtc.h`. All of them may be called from several threads at once.
struct Functions {
    create: unsafe extern "C" fn(
        *mut Program,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char,
    ) -> c_int,
    compile: unsafe extern "C" fn(Program, c_int, *const *const c_char) -> c_int,
    destroy: unsafe extern "C" fn(*mut Program) -> c_int,
    log: Text,
    cubin: Text,
    architectures: unsafe extern "C" fn(*mut c_int) -> c_int,
    architecture_count: unsafe extern "C" fn(*mut c_int) -> c_int,
}

/// How a result is fetched: its size, then its bytes.
struct Text {
    call: &'static str,
    size: unsafe extern "C" fn(Program, *mut usize) -> c_int,
    get: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
}

/// The compiler.
pub struct Nvrtc {
    functions: Functions,
    found: Found,
    architectures: Vec<u32>,
}

/// How everything is compiled, besides for which architecture. What a host's headers would define is defined here:
/// the constants of `math.h`, and the width of a word, without which dfdx takes an `isize` for 32 bits.
pub(crate) const OPTIONS: [&str; 6] = [
    "--std=c++17",
    "-D__WORDSIZE=64",
    "-DINFINITY=__int_as_float(0x7f800000)",
    "-DM_SQRT2=1.41421356237309504880",
    "-DM_SQRT1_2=0.70710678118654752440",
    "-DM_2_SQRTPI=1.12837916709551257390",
];

/// Header files that are there for every kernel: name and text. What `math.h` and `cstdint` declare, NVRTC knows or
/// the first one has.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("cuda_fp16.h", include_str!("kernels/include/cuda_fp16.h")),
    ("cstdint", "#include \"cuda_fp16.h\"\n"),
    ("stdint.h", "#include \"cuda_fp16.h\"\n"),
    ("math.h", "\n"),
];

impl Nvrtc {
    /// Finds and opens it. See [`library::open_nvrtc`].
    ///
    /// # Errors
    /// When it isn't there, is too new for the driver, or too old for us.
    pub fn open(driver: Version, blas: Option<Version>) -> Result<Self, Missing> {
        Self::over(&library::open_nvrtc(driver, blas)?)
    }

    /// Takes an opened one.
    ///
    /// # Errors
    /// When it lacks a function: it is older than CUDA 11.2.
    pub fn over(opened: &Opened) -> Result<Self, Missing> {
        let found = opened.found.clone();
        let broken = |problem| Missing::Broken { kind: found.kind, path: found.path.clone(), problem };
        let functions = Functions::of(opened).map_err(broken)?;
        let architectures = functions.architectures().map_err(|failure| broken(failure.to_string()))?;
        Ok(Self { functions, found, architectures })
    }

    /// Where it is, and its version.
    #[must_use]
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// The architectures that it compiles for, 90 for `sm_90`, the oldest first.
    #[must_use]
    pub fn architectures(&self) -> &[u32] {
        &self.architectures
    }

    /// The architecture to compile for on a device of this compute capability: its own, or the newest of the same
    /// major version, as machine code runs on all later minor ones.
    ///
    /// # Errors
    /// When this NVRTC knows none of them.
    pub fn target(&self, capability: u32) -> Outcome<u32> {
        let fitting = |it: &&u32| **it <= capability && **it / 10 == capability / 10;
        self.architectures.iter().filter(fitting).max().copied().ok_or_else(|| {
            let Found { version, path, .. } = &self.found;
            let reason = format!(
                "NVRTC {version} ({}) does not compile for a GPU of compute capability {}.{}; install a newer one: \
                 `pip install --upgrade nvidia-cuda-nvrtc`, which needs a driver as new",
                path.display(),
                capability / 10,
                capability % 10,
            );
            Failure::because("nvrtcCompileProgram", code::INVALID_SOURCE, reason)
        })
    }

    /// Compiles a file of kernels to machine code for an architecture that [`Nvrtc::architectures`] has.
    ///
    /// # Errors
    /// With the compiler's messages, which name file and line.
    pub fn compile(&self, unit: &Unit, architecture: u32) -> Outcome<Vec<u8>> {
        let program = self.program(unit)?;
        let architecture = format!("--gpu-architecture=sm_{architecture}");
        let options = strings([architecture.as_str()].into_iter().chain(OPTIONS))?;
        let pointers = pointers(&options);
        // SAFETY: as many strings as are told, alive until the call ends.
        let outcome = unsafe { (self.functions.compile)(program.0, length(&pointers), pointers.as_ptr()) };
        if outcome != 0 {
            let log = program.fetch(&self.functions.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let reason = match log.trim_end_matches(['\0', '\n']) {
                "" => format!("{} can't be compiled: NVRTC answers {outcome}", unit.name),
                log => format!("{} can't be compiled:\n{log}", unit.name),
            };
            return Err(Failure::because("nvrtcCompileProgram", code::INVALID_SOURCE, reason));
        }
        program.fetch(&self.functions.cubin)
    }

    fn program(&self, unit: &Unit) -> Outcome<Started<'_>> {
        let name = strings([&*unit.name])?;
        let text = strings([&*unit.text])?;
        let ours = HEADERS.iter().map(|(name, text)| (*name, *text));
        let headers = || unit.headers.iter().map(|(name, text)| (&**name, &**text)).chain(ours.clone());
        let names = strings(headers().map(|(name, _)| name))?;
        let texts = strings(headers().map(|(_, text)| text))?;
        let (names, texts) = (pointers(&names), pointers(&texts));
        let mut program = ptr::null_mut();
        // SAFETY: all strings live until the call ends, which copies them; as many of either as is told.
        let outcome = unsafe {
            let (text, name) = (text[0].as_ptr(), name[0].as_ptr());
            (self.functions.create)(&raw mut program, text, name, length(&names), texts.as_ptr(), names.as_ptr())
        };
        answer("nvrtcCreateProgram", outcome)?;
        Ok(Started(program, &self.functions))
    }
}

impl Functions {
    fn of(opened: &Opened) -> Result<Self, String> {
        let library = opened.library;
        // SAFETY: the types are those of nvrtc.h.
        unsafe {
            Ok(Self {
                create: function(library, c"nvrtcCreateProgram")?,
                compile: function(library, c"nvrtcCompileProgram")?,
                destroy: function(library, c"nvrtcDestroyProgram")?,
                log: Text {
                    call: "nvrtcGetProgramLog",
                    size: function(library, c"nvrtcGetProgramLogSize")?,
                    get: function(library, c"nvrtcGetProgramLog")?,
                },
                cubin: Text {
                    call: "nvrtcGetCUBIN",
                    size: function(library, c"nvrtcGetCUBINSize")?,
                    get: function(library, c"nvrtcGetCUBIN")?,
                },
                architectures: function(library, c"nvrtcGetSupportedArchs")?,
                architecture_count: function(library, c"nvrtcGetNumSupportedArchs")?,
            })
        }
    }

    fn architectures(&self) -> Outcome<Vec<u32>> {
        let mut count = 0;
        // SAFETY: it writes one int.
        answer("nvrtcGetNumSupportedArchs", unsafe { (self.architecture_count)(&raw mut count) })?;
        let mut all = vec![0; usize::try_from(count).unwrap_or(0)];
        // SAFETY: it writes as many as it has just said.
        answer("nvrtcGetSupportedArchs", unsafe { (self.architectures)(all.as_mut_ptr()) })?;
        Ok(all.into_iter().filter_map(|architecture| u32::try_from(architecture).ok()).collect())
    }
}

/// A program, until it is dropped.
struct Started<'a>(Program, &'a Functions);

impl Started<'_> {
    fn fetch(&self, text: &Text) -> Outcome<Vec<u8>> {
        let mut size = 0;
        // SAFETY: it writes one size_t.
        answer(text.call, unsafe { (text.size)(self.0, &raw mut size) })?;
        let mut bytes = vec![0_u8; size];
        // SAFETY: it writes as many bytes as it has just said.
        answer(text.call, unsafe { (text.get)(self.0, bytes.as_mut_ptr().cast()) })?;
        Ok(bytes)
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        // SAFETY: it was created and is used no more. That it can't be destroyed is of no consequence.
        unsafe { (self.1.destroy)(&raw mut self.0) };
    }
}

fn answer(call: &'static str, outcome: c_int) -> Outcome<()> {
    match outcome {
        0 => Ok(()),
        1 => Err(Failure::of(call, code::OUT_OF_MEMORY)),
        other => Err(Failure::because(call, code::UNKNOWN, format!("NVRTC answers {other}"))),
    }
}

fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Outcome<Vec<CString>> {
    texts.into_iter().map(CString::new).collect::<Result<_, _>>().map_err(|_| {
        Failure::because("nvrtcCreateProgram", code::INVALID_SOURCE, "the source of a kernel has a zero byte in it")
    })
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|it| it.as_ptr()).collect()
}

fn length<T>(slice: &[T]) -> c_int {
    c_int::try_from(slice.len()).unwrap_or(c_int::MAX)
}

//! The few functions of the driver that tell what is there.

use std::ffi::{CStr, c_char, c_int, c_uint};

use super::{Opened, function};
use crate::code::{Failure, Outcome};
use crate::driver::Properties;

type Init = unsafe extern "C" fn(c_uint) -> c_int;
type Count = unsafe extern "C" fn(*mut c_int) -> c_int;
type Get = unsafe extern "C" fn(*mut c_int, c_int) -> c_int;
type Name = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
type Memory = unsafe extern "C" fn(*mut usize, c_int) -> c_int;
type Attribute = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and its minor.
const CAPABILITY: [c_int; 2] = [75, 76];

/// Functions of `libcuda`, as in `cuda.h`.
#[derive(Clone, Copy, Debug)]
pub struct Inspect {
    init: Init,
    count: Count,
    get: Get,
    name: Name,
    memory: Memory,
    attribute: Attribute,
}

impl Inspect {
    /// Finds them.
    ///
    /// # Errors
    /// With the name of the one that is not there.
    pub fn of(driver: &Opened) -> Result<Self, String> {
        // SAFETY: the types are those of cuda.h.
        unsafe {
            Ok(Self {
                init: function(driver.library, c"cuInit")?,
                count: function(driver.library, c"cuDeviceGetCount")?,
                get: function(driver.library, c"cuDeviceGet")?,
                name: function(driver.library, c"cuDeviceGetName")?,
                memory: function(driver.library, c"cuDeviceTotalMem_v2")?,
                attribute: function(driver.library, c"cuDeviceGetAttribute")?,
            })
        }
    }

    /// Starts the driver. To be called before the others, and as often as you like.
    ///
    /// # Errors
    /// What the driver says.
    pub fn init(&self) -> Outcome<()> {
        // SAFETY: flags must be 0.
        answer("cuInit", unsafe { (self.init)(0) })
    }

    /// How many devices there are.
    ///
    /// # Errors
    /// What the driver says.
    pub fn devices(&self) -> Outcome<c_int> {
        let mut count = 0;
        // SAFETY: it writes one int.
        answer("cuDeviceGetCount", unsafe { (self.count)(&raw mut count) })?;
        Ok(count)
    }

    /// What a device is.
    ///
    /// # Errors
    /// What the driver says.
    pub fn properties(&self, device: c_int) -> Outcome<Properties> {
        let mut handle = 0;
        // SAFETY: it writes one int.
        answer("cuDeviceGet", unsafe { (self.get)(&raw mut handle, device) })?;
        let mut bytes = 0_usize;
        // SAFETY: it writes one size_t.
        answer("cuDeviceTotalMem_v2", unsafe { (self.memory)(&raw mut bytes, handle) })?;
        let [major, minor] = CAPABILITY.map(|attribute| self.attribute(attribute, handle));
        let capability = u32::try_from(major? * 10 + minor?).unwrap_or(0);
        Ok(Properties { name: self.name(handle)?, capability, memory: bytes as u64 })
    }

    fn attribute(&self, attribute: c_int, handle: c_int) -> Outcome<c_int> {
        let mut value = 0;
        // SAFETY: it writes one int.
        answer("cuDeviceGetAttribute", unsafe { (self.attribute)(&raw mut value, attribute, handle) })?;
        Ok(value)
    }

    fn name(&self, handle: c_int) -> Outcome<String> {
        let mut buffer = [0_u8; 256];
        // SAFETY: it writes at most 255 bytes here, the last a zero; the 256th stays one.
        answer("cuDeviceGetName", unsafe { (self.name)(buffer.as_mut_ptr().cast(), 255, handle) })?;
        let name = CStr::from_bytes_until_nul(&buffer).unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }
}

fn answer(call: &'static str, code: c_int) -> Outcome<()> {
    if code == crate::code::SUCCESS { Ok(()) } else { Err(Failure::of(call, code)) }
}

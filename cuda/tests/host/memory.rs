//! Memory: what was not given out can't be used, and there is only so much.

use cuda::code::{ILLEGAL_ADDRESS, INVALID_VALUE, OUT_OF_MEMORY};
use cuda::driver::host::Limits;
use cuda::driver::{Address, DEFAULT_STREAM, Driver};

use crate::rig::{Rig, block, by, limits};

#[test]
fn new_memory_is_not_a_number() {
    let rig = Rig::new();
    let address = rig.host.allocate(800).unwrap();
    assert_eq!(address % 256, 0);
    assert!(rig.get::<f32>(address, 200).iter().all(|x| x.is_nan()));
    assert!(rig.get::<f64>(address, 100).iter().all(|x| x.is_nan()));
}

#[test]
fn bytes_are_set_and_copied() {
    let rig = Rig::new();
    let address = rig.put(&(0..10_u8).collect::<Vec<_>>());
    // SAFETY: the device checks its memory, and no host memory is touched.
    unsafe {
        rig.host.fill(address + 7, 9, 2, DEFAULT_STREAM).unwrap();
        rig.host.copy(address + 1, address, 5, DEFAULT_STREAM).unwrap();
    }
    assert_eq!(rig.get::<u8>(address, 10), [0, 0, 1, 2, 3, 4, 6, 9, 9, 9]);
}

#[test]
fn memory_that_was_not_given_out_is_refused() {
    let rig = Rig::new();
    let (address, freed) = (rig.put(&[0_u8; 100]), rig.put(&[0_u8; 1000]));
    let mut bytes = [0_u8; 200];
    // SAFETY: the device checks its memory, and all host memory is at least as large as what is copied.
    let failures = unsafe {
        rig.host.free(freed).unwrap();
        [
            ("cuMemFree_v2", rig.host.free(freed)),
            ("cuMemFree_v2", rig.host.free(address + 1)),
            ("cuMemFree_v2", rig.host.free(0)),
            ("cuMemsetD8Async", rig.host.fill(address, 0, 101, DEFAULT_STREAM)),
            ("cuMemsetD8Async", rig.host.fill(address + 60, 0, usize::MAX, DEFAULT_STREAM)),
            ("cuMemcpyHtoDAsync_v2", rig.host.upload(address + 50, bytes.as_ptr().cast(), 51, DEFAULT_STREAM)),
            ("cuMemcpyHtoDAsync_v2", rig.host.upload(freed, bytes.as_ptr().cast(), 1, DEFAULT_STREAM)),
            ("cuMemcpyDtoHAsync_v2", rig.host.download(bytes.as_mut_ptr().cast(), address - 1, 1, DEFAULT_STREAM)),
            ("cuMemcpyDtoDAsync_v2", rig.host.copy(address + 50, address, 51, DEFAULT_STREAM)),
            ("cuMemcpyDtoDAsync_v2", rig.host.copy(address, address + 50, 51, DEFAULT_STREAM)),
        ]
    };
    for (call, outcome) in failures {
        let failure = outcome.unwrap_err();
        assert_eq!((failure.call, failure.code), (call, INVALID_VALUE), "{failure}");
    }
    assert_eq!(rig.host.allocate(0).unwrap_err().code, INVALID_VALUE);
    // SAFETY: no bytes are touched.
    unsafe { rig.host.fill(0, 0, 0, DEFAULT_STREAM) }.unwrap();
}

#[test]
fn memory_runs_out_and_comes_back() {
    let rig = Rig::with(Limits { memory: 1000, ..limits() });
    let first = rig.host.allocate(600).unwrap();
    assert_eq!((rig.host.memory().unwrap(), rig.host.taken()), ((400, 1000), 600));
    let failure = rig.host.allocate(401).unwrap_err();
    assert_eq!((failure.call, failure.code), ("cuMemAlloc_v2", OUT_OF_MEMORY));
    assert_eq!(failure.reason, "401 bytes were asked for and 400 of 1000 are left");
    rig.host.allocate(400).unwrap();
    // SAFETY: the device checks the address.
    unsafe { rig.host.free(first) }.unwrap();
    rig.host.allocate(599).unwrap();
    assert_eq!(rig.host.memory().unwrap(), (1, 1000));
}

/// More than the machine has is no more to be had than more than the device has.
#[test]
fn the_machine_may_have_less_than_the_device() {
    let rig = Rig::with(Limits { memory: u64::MAX, ..limits() });
    assert_eq!(rig.host.allocate(1 << 60).unwrap_err().code, OUT_OF_MEMORY);
    assert_eq!(rig.host.allocate(usize::MAX).unwrap_err().code, OUT_OF_MEMORY);
    assert_eq!(rig.host.taken(), 0);
}

const WRITE: &str = "extern \"C\" __global__ void k(int *out, int place) { if (out) out[place] = 1; }";

#[test]
fn a_kernel_is_given_no_address_of_which_the_device_does_not_know() {
    let here = 0_i32;
    let freed = |rig: &Rig| {
        let address = rig.put(&[0_i32; 4]);
        // SAFETY: the device checks the address.
        unsafe { rig.host.free(address) }.unwrap();
        address
    };
    type Find<'a> = &'a dyn Fn(&Rig) -> Address;
    let cases: [(&str, Find); 3] = [
        ("freed", &freed),
        ("the host's", &|_| (&raw const here).expose_provenance() as Address),
        ("behind the end", &|rig| rig.put(&[0_i32; 4]) + 17),
    ];
    for (what, address) in cases {
        let rig = Rig::new();
        let module = rig.text(WRITE);
        let address = address(&rig);
        let failure = rig.run(module, "k", block(1), &[by(address), by(0)]).unwrap_err();
        assert_eq!((failure.call, failure.code), ("cuLaunchKernel", ILLEGAL_ADDRESS), "{what}");
        assert_eq!(failure.reason, format!("parameter 0 of k is {address:#x}, where no memory is"));
    }
}

#[test]
fn a_kernel_may_be_given_nothing_and_the_inside_or_end_of_memory() {
    let rig = Rig::new();
    let module = rig.text(WRITE);
    let address = rig.put(&[0_i32; 4]);
    for (given, place) in [(0, 0), (address + 8, 1), (address + 16, -4)] {
        rig.run(module, "k", block(1), &[by::<Address>(given), by::<i32>(place)]).unwrap();
    }
    assert_eq!(rig.get::<i32>(address, 4), [1, 0, 0, 1]);
}

/// As on a GPU, the device is lost after it.
#[test]
fn a_write_beside_memory_is_noticed() {
    for place in [-1, 4] {
        let rig = Rig::new();
        let (module, address) = (rig.text(WRITE), rig.put(&[0_i32; 4]));
        let failure = rig.run(module, "k", block(1), &[by(address), by::<i32>(place)]).unwrap_err();
        assert_eq!((failure.call, failure.code), ("cuLaunchKernel", ILLEGAL_ADDRESS));
        assert_eq!(failure.reason, format!("k wrote beside the 16 bytes at {address:#x}"));
        let failure = rig.host.allocate(1).unwrap_err();
        assert_eq!((failure.call, failure.code), ("cuMemAlloc_v2", ILLEGAL_ADDRESS));
    }
}

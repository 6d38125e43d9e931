//! Calls fail when told to, and are counted.

use cuda::code::{ECC_UNCORRECTABLE, LAUNCH_FAILED, OUT_OF_MEMORY, UNKNOWN};
use cuda::driver::{DEFAULT_STREAM, Driver};

use crate::rig::Rig;

#[test]
fn the_call_after_those_that_go_well_fails_once() {
    let rig = Rig::new();
    rig.host.fail("cuMemAlloc_v2", 2, OUT_OF_MEMORY);
    rig.host.fail("cuMemAlloc_v2", 4, UNKNOWN);
    rig.host.fail("cuStreamCreate", 0, UNKNOWN);
    let codes: Vec<i32> = (0..6).map(|_| rig.host.allocate(1).map_or_else(|failure| failure.code, |_| 0)).collect();
    assert_eq!(codes, [0, 0, OUT_OF_MEMORY, 0, UNKNOWN, 0]);
    assert_eq!(rig.host.taken(), 4);
    let failure = rig.host.stream().unwrap_err();
    assert_eq!((failure.call, failure.code), ("cuStreamCreate", UNKNOWN));
    rig.host.stream().unwrap();
}

#[test]
fn a_lost_device_answers_no_call() {
    for code in [ECC_UNCORRECTABLE, LAUNCH_FAILED] {
        let rig = Rig::new();
        let address = rig.put(&[1_u8; 4]);
        rig.host.fail("cuMemsetD8Async", 0, code);
        // SAFETY: the device checks its memory.
        let outcomes = unsafe {
            [
                rig.host.fill(address, 0, 4, DEFAULT_STREAM),
                rig.host.synchronize(DEFAULT_STREAM),
                rig.host.free(address),
                rig.host.release_context(0),
                rig.host.devices().map(|_| ()),
            ]
        };
        assert_eq!(outcomes.map(|outcome| outcome.unwrap_err().code), [code; 5]);
    }
}

#[test]
fn calls_are_counted_by_name() {
    let rig = Rig::new();
    assert_eq!((rig.host.calls("cuMemAlloc_v2"), rig.host.calls("cuLaunchKernel")), (0, 0));
    let address = rig.put(&[1_u8; 4]);
    rig.put(&[1_u8; 4]);
    rig.get::<u8>(address, 4);
    rig.host.fail("cuMemAlloc_v2", 0, OUT_OF_MEMORY);
    rig.host.allocate(1).unwrap_err();
    let count = |call| rig.host.calls(call);
    assert_eq!([count("cuMemAlloc_v2"), count("cuMemcpyHtoDAsync_v2"), count("cuMemcpyDtoHAsync_v2")], [3, 2, 1]);
}

//! Contexts, modules, streams, events, and what launches are refused for.

use cuda::code::{INVALID_DEVICE, INVALID_HANDLE, INVALID_VALUE, NOT_FOUND};
use cuda::driver::host::Host;
use cuda::driver::{DEFAULT_STREAM, Driver, Grid};

use crate::rig::{Rig, block, by, limits};

#[test]
fn there_is_one_device() {
    let host = Host::new(limits());
    assert_eq!(host.devices().unwrap(), 1);
    let properties = host.properties(0).unwrap();
    assert_eq!(properties.name, "Simulated GPU (this processor)");
    assert_eq!((properties.capability, properties.memory), (80, 1 << 30));
    // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR, _MAX_THREADS_PER_BLOCK, _WARP_SIZE.
    assert_eq!([75, 76, 1, 10].map(|number| host.attribute(number, 0).unwrap()), [8, 0, 1024, 32]);
    assert_eq!(host.attribute(4711, 0).unwrap_err().code, INVALID_VALUE);
    let wrong = [
        host.properties(1).unwrap_err(),
        host.attribute(1, 1).unwrap_err(),
        host.retain_context(-1).unwrap_err(),
        host.release_context(1).unwrap_err(),
    ];
    assert_eq!(wrong.map(|failure| failure.code), [INVALID_DEVICE; 4]);
}

#[test]
fn a_thread_must_enter_the_context() {
    const INVALID_CONTEXT: i32 = 201;
    let host = Host::new(limits());
    assert_eq!(host.allocate(1).unwrap_err().code, INVALID_CONTEXT);
    let context = host.retain_context(0).unwrap();
    assert_eq!(host.retain_context(0).unwrap(), context);
    assert_eq!(host.enter_context(context + 1000).unwrap_err().code, INVALID_HANDLE);
    host.enter_context(context).unwrap();
    host.allocate(1).unwrap();
    std::thread::scope(|scope| {
        let outcome = scope.spawn(|| host.allocate(1)).join().unwrap();
        assert_eq!(outcome.unwrap_err().code, INVALID_CONTEXT);
    });
    host.release_context(0).unwrap();
    host.allocate(1).unwrap();
    host.release_context(0).unwrap();
    assert_eq!(host.allocate(1).unwrap_err().code, INVALID_CONTEXT);
    assert_eq!(host.release_context(0).unwrap_err().code, INVALID_CONTEXT);
    assert_eq!(host.enter_context(context).unwrap_err().code, INVALID_HANDLE);
}

#[test]
fn streams_and_events_end_once() {
    let rig = Rig::new();
    let (stream, from, to) = (rig.host.stream().unwrap(), rig.host.event(0).unwrap(), rig.host.event(0).unwrap());
    // SAFETY: handles are checked, and no memory is touched.
    unsafe {
        rig.host.record(from, stream).unwrap();
        assert_eq!(rig.host.elapsed(from, to).unwrap_err().code, INVALID_VALUE);
        rig.host.wait(DEFAULT_STREAM, from).unwrap();
        rig.host.record(to, DEFAULT_STREAM).unwrap();
        let (forth, back) = (rig.host.elapsed(from, to).unwrap(), rig.host.elapsed(to, from).unwrap());
        assert!((0.0..60_000.0).contains(&forth) && back == -forth, "{forth} and {back} ms");
        rig.host.end_event(from).unwrap();
        rig.host.synchronize(stream).unwrap();
        rig.host.end_stream(stream).unwrap();
        let failures = [
            rig.host.end_event(from),
            rig.host.end_stream(stream),
            rig.host.end_stream(DEFAULT_STREAM),
            rig.host.synchronize(stream),
            rig.host.record(to, stream),
            rig.host.record(from, DEFAULT_STREAM),
            rig.host.wait(DEFAULT_STREAM, from),
            rig.host.wait(stream, to),
            rig.host.elapsed(from, to).map(|_| ()),
            rig.host.fill(0, 0, 0, stream),
        ];
        for failure in failures {
            assert_eq!(failure.unwrap_err().code, INVALID_HANDLE);
        }
    }
}

#[test]
fn a_launch_that_no_gpu_could_do_is_refused() {
    let rig = Rig::new();
    let module = rig.text("extern \"C\" __global__ void k(int, int *) {}");
    let one = block(1);
    let grids = [
        Grid { blocks: [0, 1, 1], ..one },
        Grid { blocks: [1, 65536, 1], ..one },
        Grid { threads: [1, 0, 1], ..one },
        Grid { threads: [1025, 1, 1], ..one },
        Grid { threads: [1, 1, 65], ..one },
        Grid { threads: [64, 4, 5], ..one },
        Grid { shared: (48 << 10) + 1, ..one },
    ];
    for grid in grids {
        let failure = rig.run(module, "k", grid, &[by(0), by(0_u64)]).unwrap_err();
        assert_eq!((failure.call, failure.code), ("cuLaunchKernel", INVALID_VALUE), "{grid:?}");
        assert!(failure.reason.starts_with("k can't run in "), "{failure}");
    }
    rig.run(module, "k", Grid { threads: [16, 1, 64], ..one }, &[by(0), by(0_u64)]).unwrap();
}

#[test]
fn parameters_and_handles_must_be_there() {
    let rig = Rig::new();
    let module = rig.text("extern \"C\" __global__ void k(int, int *) {}\n__global__ void mangled() {}");
    let kernel = rig.host.function(module, "k").unwrap();
    let mut first = 0_i32;
    let mut places = [(&raw mut first).cast(), std::ptr::null_mut()];
    // SAFETY: what is missing is null, and what is there is what the kernel takes.
    let failures = unsafe {
        [
            rig.host.launch(kernel, block(1), DEFAULT_STREAM, places.as_mut_ptr()).unwrap_err(),
            rig.host.launch(kernel, block(1), DEFAULT_STREAM, std::ptr::null_mut()).unwrap_err(),
            rig.host.launch(module, block(1), DEFAULT_STREAM, places.as_mut_ptr()).unwrap_err(),
            rig.host.launch(kernel, block(1), module, places.as_mut_ptr()).unwrap_err(),
            rig.host.function(kernel, "k").unwrap_err(),
            rig.host.function(module, "nowhere").unwrap_err(),
            rig.host.function(module, "mangled").unwrap_err(),
            rig.host.function(module, "no\0where").unwrap_err(),
        ]
    };
    let codes =
        [INVALID_VALUE, INVALID_VALUE, INVALID_HANDLE, INVALID_HANDLE, INVALID_HANDLE, NOT_FOUND, NOT_FOUND, NOT_FOUND];
    assert_eq!(failures.each_ref().map(|failure| failure.code), codes);
    assert_eq!(failures[0].reason, "k was launched without its parameter 1");
    assert_eq!(failures[5].reason, "no kernel is called `nowhere`");
}

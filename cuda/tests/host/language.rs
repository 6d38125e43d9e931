//! What CUDA C++ has beyond C++.

use cuda::code::{LAUNCH_FAILED, Outcome};
use cuda::driver::{Address, Grid};

use crate::rig::{Parameter, Rig, block, by};

/// Runs a kernel `k` of this text with an array of zeros behind the other parameters, and gives the array back.
fn run<T: Copy + Default>(text: &str, grid: Grid, parameters: Vec<Parameter>, count: usize) -> Outcome<Vec<T>> {
    let rig = Rig::new();
    let module = rig.text(text);
    let out = rig.put(&vec![T::default(); count]);
    let parameters: Vec<Parameter> = parameters.into_iter().chain([by::<Address>(out)]).collect();
    rig.run(module, "k", grid, &parameters)?;
    Ok(rig.get(out, count))
}

#[test]
fn threads_and_blocks_know_where_they_are() {
    let text = r#"
        extern "C" __global__ void k(unsigned *out) {
            unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
            unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
            out[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1000 * block + 100 * threadIdx.z
                + 10 * threadIdx.y + threadIdx.x;
        }"#;
    let grid = Grid { blocks: [2, 1, 3], threads: [2, 3, 4], shared: 0 };
    let found = run::<u32>(text, grid, vec![], 6 * 24).unwrap();
    let expected = (0..6 * 24).map(|i| 1000 * (i / 24) + 100 * (i % 24 / 6) + 10 * (i % 6 / 2) + i % 2);
    assert_eq!(found, expected.collect::<Vec<u32>>());
}

/// Neighbours' values are read after a barrier, in static and in dynamic shared memory, by threads of which the last
/// have returned before.
#[test]
fn threads_share_memory_across_barriers() {
    let text = r#"
        extern "C" __global__ void k(int live, int *out) {
            __shared__ int fixed[1024];
            extern __shared__ __align__(8) int given[];
            int t = threadIdx.x;
            if (t >= live) return;
            for (int round = 1; round <= 3; round++) {
                fixed[t] = t * round;
                given[t] = t + round;
                __syncthreads();
                out[t] += fixed[(t + 1) % live] + given[(t + 2) % live];
                __syncthreads();
            }
        }"#;
    for (count, live) in [(1_u32, 1_i32), (37, 37), (128, 100), (1024, 1024)] {
        let grid = Grid { shared: 4096, ..block(count) };
        let found = run::<i32>(text, grid, vec![by(live)], 1024).unwrap();
        let expected = |t: i32| if t < live { 6 * ((t + 1) % live) + 3 * ((t + 2) % live) + 6 } else { 0 };
        assert_eq!(found, (0..1024).map(expected).collect::<Vec<_>>(), "{live} of {count}");
    }
}

/// What a lane should find.
type Lane = fn(i32) -> i32;

/// Each line: an expression of a lane `t` of 40 threads, and its value.
#[test]
fn warps_exchange_values() {
    const ALL: &str = "0xffffffffu";
    let cases: [(String, Lane); 12] = [
        (format!("__shfl_sync({ALL}, t, 3)"), |t| t / 32 * 32 + 3),
        (format!("__shfl_sync({ALL}, t, t + 1, 8)"), |t| t / 8 * 8 + (t + 1) % 8),
        (format!("__shfl_xor_sync({ALL}, t, 5)"), |t| t ^ 5),
        (format!("__shfl_up_sync({ALL}, t, 2, 8)"), |t| if t % 8 < 2 { t } else { t - 2 }),
        (format!("__shfl_down_sync({ALL}, t, 2, 8)"), |t| if t % 8 > 5 { t } else { t + 2 }),
        (format!("(int)__shfl_xor_sync({ALL}, 0.5 * t, 1)"), |t| (t ^ 1) / 2),
        (format!("__shfl_xor_sync({ALL}, __shfl_xor_sync({ALL}, t, 1), 2)"), |t| t ^ 3),
        (format!("(int)__ballot_sync({ALL}, t % 32 < 5)"), |_| 31),
        (format!("__any_sync({ALL}, t == 2)"), |t| i32::from(t < 32)),
        (format!("__all_sync({ALL}, t < 32)"), |t| i32::from(t < 32)),
        ("__syncthreads_count(t % 3 == 0)".to_owned(), |_| 14),
        ("t % 2 ? __shfl_xor_sync(0xaaaaaaaau, t, 2) : __shfl_xor_sync(0x55555555u, t, 4)".to_owned(), |t| {
            if t % 2 == 1 { t ^ 2 } else { t ^ 4 }
        }),
    ];
    for (expression, expected) in cases {
        let text =
            format!("extern \"C\" __global__ void k(int *out) {{ int t = threadIdx.x; out[t] = {expression}; }}");
        let found = run::<i32>(&text, block(40), vec![], 40).unwrap();
        assert_eq!(found, (0..40).map(expected).collect::<Vec<_>>(), "{expression}");
    }
}

/// Lanes that have returned hold nobody up; what they would have given is nothing to rely on, so it is all ones here.
#[test]
fn a_warp_goes_on_without_lanes_that_returned() {
    let text = r#"
        extern "C" __global__ void k(int *out) {
            int t = threadIdx.x;
            if (t % 4 == 3) return;
            out[t] = 100 + __shfl_xor_sync(0xffffffff, t, 1);
        }"#;
    let expected = (0..48).map(|t| [101 + t, 99 + t, 99, 0][t as usize % 4]);
    assert_eq!(run::<i32>(text, block(48), vec![], 48).unwrap(), expected.collect::<Vec<_>>());
}

/// The usual reduction: warps by shuffles, then the block through shared memory.
#[test]
fn a_block_adds_up_by_shuffles() {
    let text = r#"
        extern "C" __global__ void k(float *out) {
            __shared__ float warps[32];
            float sum = threadIdx.x;
            for (int by = 16; by > 0; by >>= 1) sum += __shfl_down_sync(0xffffffff, sum, by);
            if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
            __syncthreads();
            if (threadIdx.x >= 32) return;
            sum = threadIdx.x < blockDim.x / 32 ? warps[threadIdx.x] : 0;
            for (int by = 16; by > 0; by >>= 1) sum += __shfl_down_sync(0xffffffff, sum, by);
            if (threadIdx.x == 0) atomicAdd(out, sum);
        }"#;
    let grid = Grid { blocks: [10, 1, 1], ..block(256) };
    assert_eq!(run::<f32>(text, grid, vec![], 1).unwrap(), [10.0 * 255.0 * 128.0]);
}

#[test]
fn atomics_answer_what_was_there_before() {
    let text = r#"
        extern "C" __global__ void k(int *out) {
            unsigned u = 7;
            long long l = -3;
            float f = 1.5f;
            out[0] = atomicMax(out + 1, 5);
            out[2] = atomicMin(&l, -9LL) + (int)l;
            out[3] = atomicExch(&u, 1u) + u;
            out[4] = atomicCAS(&u, 1u, 40u) + u;
            out[5] = atomicCAS(&u, 1u, 99u) + u;
            out[6] = (int)(atomicAdd(&f, 2) + 10 * f);
            out[7] = atomicInc(&u, 40u) + u;
        }"#;
    assert_eq!(run::<i32>(text, block(1), vec![], 8).unwrap(), [0, 5, -12, 8, 41, 80, 36, 40]);
}

/// Every number of 16 bits goes to `float` and back unchanged, and what lies between two goes to the nearer one, from
/// the middle to the even one (IEEE 754-2019, 4.3.1).
#[test]
fn half_precision_rounds_as_the_standard_says() {
    let text = r#"
        #include "cuda_fp16.h"
        extern "C" __global__ void k(unsigned short *out) {
            for (unsigned bits = 0; bits < 65536; bits++)
                out[bits] = __half_as_ushort(__float2half(__half2float(__ushort_as_half(bits))));
            unsigned short *middle = out + 65536;
            for (unsigned bits = 0; bits < 0x7c00; bits++) {
                double low = __half2float(__ushort_as_half(bits));
                double high = bits == 0x7bff ? 65536.0 : (double)__half2float(__ushort_as_half(bits + 1));
                middle[3 * bits] = __half_as_ushort(__half((low + high) / 2));
                middle[3 * bits + 1] = __half_as_ushort(__half(0.51 * low + 0.49 * high));
                middle[3 * bits + 2] = __half_as_ushort(__half(-0.49 * low - 0.51 * high));
            }
            __half one = 1.0, values[] = {__half(65504), one / __half(3.0f), hsqrt(__half(2)), -one};
            for (int i = 0; i < 4; i++) out[65536 + 3 * 0x7c00 + i] = __half_as_ushort(values[i]);
        }"#;
    let found = run::<u16>(text, block(1), vec![], 65536 + 3 * 0x7c00 + 4).unwrap();
    let (back, found) = found.split_at(65536);
    let is_nan = |bits: u16| bits & 0x7fff > 0x7c00;
    assert!(
        (0..=u16::MAX).all(|bits| back[usize::from(bits)] == bits || is_nan(bits) && is_nan(back[usize::from(bits)]))
    );
    let (between, last) = found.split_at(3 * 0x7c00);
    for bits in 0..0x7c00_u16 {
        let expected = [bits + bits % 2, bits, 0x8000 | (bits + 1)];
        assert_eq!(between[3 * usize::from(bits)..][..3], expected, "{bits:#x}");
    }
    assert_eq!(last, [0x7bff, 0x3555, 0x3da8, 0xbc00]);
}

#[test]
fn a_kernel_that_can_not_go_on_is_stopped() {
    let divergent = "if (threadIdx.x < 3) __syncwarp(7); else __shfl_sync(0xffffffff, 1, 0); __syncthreads();";
    let cases = [
        ("if (threadIdx.x == 70) __trap();", "__trap() was called"),
        (
            "if (threadIdx.x % 2) __syncthreads(); else __syncwarp();",
            "threads wait for each other at different barriers",
        ),
        (divergent, "threads wait for each other at different barriers"),
    ];
    for (body, reason) in cases {
        let text = format!("extern \"C\" __global__ void k(int *out) {{ {body} out[threadIdx.x] = 1; }}");
        let failure = run::<i32>(&text, block(96), vec![], 96).unwrap_err();
        assert_eq!((failure.code, failure.reason.as_ref()), (LAUNCH_FAILED, format!("k: {reason}").as_str()));
        // The same module, as a new device finds it.
        assert_eq!(run::<i32>(&text, block(0), vec![], 96).unwrap_err().code, cuda::code::INVALID_VALUE);
    }
    let text = "extern \"C\" __global__ void k(int stop, int *out) { __syncthreads(); if (stop) __trap(); \
                __syncthreads(); out[threadIdx.x] = threadIdx.x; }";
    assert_eq!(run::<i32>(text, block(64), vec![by(1)], 64).unwrap_err().code, LAUNCH_FAILED);
    assert_eq!(run::<i32>(text, block(64), vec![by(0)], 64).unwrap(), (0..64).collect::<Vec<_>>());
}

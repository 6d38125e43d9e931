//! Kernels of dfdx give what the same formulas give in Rust.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cuda::driver::Driver;
use cuda::kernels::Unit;

use crate::rig::{OPERATIONS, Rig, by, dfdx_unit, files, threads, unit};

/// dfdx is used unmodified, so every kernel that its Rust asks for by name must be in one of its 49 files as compiled
/// here; the names are taken from its Rust.
#[test]
fn every_kernel_that_dfdx_asks_for_is_compiled() {
    let rig = Rig::new();
    let sources = files(&OPERATIONS, "cu");
    assert_eq!(sources.len(), 49);
    let modules: Vec<_> = sources.iter().map(|path| rig.host.load(&dfdx_unit(path)).unwrap()).collect();
    let asked: BTreeSet<String> = files(&OPERATIONS, "rs").iter().flat_map(|path| kernels_in(path)).collect();
    assert!(asked.len() > 250, "{} kernels", asked.len());
    let missing = |name: &&String| modules.iter().all(|module| rig.host.function(*module, name).is_err());
    assert_eq!(asked.iter().filter(missing).collect::<Vec<_>>(), <[&String; 0]>::default());
}

/// Strings of a file that name a kernel and not the module that it is in.
fn kernels_in(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let is_kernel = |name: &&str| {
        let typed = ["_f16", "_f32", "_f64"].iter().any(|end| name.ends_with(end));
        let parts = ["_fwd_", "_bwd_", "_update_", "fill_with_", "axpy_", "unfold_", "filters_", "_reshape_"];
        typed && parts.iter().any(|part| name.contains(part)) && !name.contains(char::is_whitespace)
    };
    text.split('"').skip(1).step_by(2).filter(is_kernel).map(str::to_owned).collect()
}

/// A few kernels are text in dfdx's Rust, compiled at run time for the types that a tensor has.
#[test]
fn every_kernel_that_dfdx_compiles_at_run_time_is_compiled() {
    let rig = Rig::new();
    let is_source = |text: &String| text.contains("__global__");
    let literals = |path: &PathBuf| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap().replace("\\\"", "\u{1}");
        text.split('"').skip(1).step_by(2).map(|literal| literal.replace('\u{1}', "\"")).collect()
    };
    let sources: Vec<String> = files(&OPERATIONS, "rs").iter().flat_map(literals).filter(is_source).collect();
    assert_eq!(sources.len(), 6);
    let include = dfdx_unit(&OPERATIONS.join("add/binary_add.cu")).headers;
    for text in sources {
        for (source, kind) in [("float", "double"), ("size_t", "float"), ("__half", "float"), ("intptr_t", "bool")] {
            let kind = if text.contains("$Src") { kind } else { source };
            let text = text.replace("$Src", source).replace("$Dst", kind).replace("$Ty", kind).replace("$T", kind);
            let is_for = !text.contains("atomicAdd") || matches!(kind, "float" | "double" | "__half");
            if is_for {
                rig.host.load(&Unit { headers: include.clone(), ..unit(&text) }).unwrap();
            }
        }
    }
}

#[test]
fn a_unary_kernel_and_its_gradient() {
    let rig = Rig::new();
    let module = rig.dfdx("tanh/tanh.cu");
    let x: Vec<f32> = (0..1000_i16).map(|i| f32::from(i) / 100.0 - 5.0).collect();
    let y: Vec<f32> = x.iter().map(|x| x.tanh()).collect();
    let (input, output, gradient) = (rig.put(&x), rig.put(&x), rig.put(&vec![1.0_f32; x.len()]));
    let grad_out = rig.put(&vec![2.0_f32; x.len()]);
    let numel = x.len();
    rig.run(module, "tanh_fwd_f32", threads(numel), &[by(0_u8), by(numel), by(input), by(output)]).unwrap();
    let parameters = [by(0_u8), by(numel), by(0_u64), by(gradient), by(output), by(grad_out)];
    rig.run(module, "tanh_bwd_f32", threads(numel), &parameters).unwrap();
    for (index, y) in y.iter().enumerate() {
        assert!((rig.get::<f32>(output, numel)[index] - y).abs() < 1e-6, "tanh({})", x[index]);
    }
    let expected = y.iter().map(|y| 1.0 + 2.0 * (1.0 - y * y));
    for (got, expected) in rig.get::<f32>(gradient, numel).iter().zip(expected) {
        assert!((got - expected).abs() < 1e-5, "{got} is not {expected}");
    }
}

/// `[4, 3, 5] + [3, 1]`, the second broadcast by strides of 0.
#[test]
fn a_binary_kernel_broadcasts_by_strides() {
    let rig = Rig::new();
    let module = rig.dfdx("add/binary_add.cu");
    let (left, right): (Vec<f64>, Vec<f64>) = ((0..60).map(f64::from).collect(), vec![100.0, 200.0, 300.0]);
    let info = rig.put(&[4_usize, 3, 5, 15, 5, 1, 0, 1, 0]);
    let (a, b, out) = (rig.put(&left), rig.put(&right), rig.put(&left));
    let parameters = [by(0_u8), by(60_usize), by(3_usize), by(info), by(a), by(b), by(out)];
    rig.run(module, "badd_fwd_f64", threads(60), &parameters).unwrap();
    let expected: Vec<f64> = left.iter().enumerate().map(|(i, x)| x + right[i / 5 % 3]).collect();
    assert_eq!(rig.get::<f64>(out, 60), expected);
}

/// Threads of a chunk meet at barriers; chunks end within blocks of 128, and the last block is not full.
#[test]
fn sums_and_maxima_over_chunks() {
    let rig = Rig::new();
    let (sum, max) = (rig.dfdx("sum_to/sum_to.cu"), rig.dfdx("max_to/max_to.cu"));
    for (chunks, length) in [(1, 1), (7, 2), (4, 250), (3, 128), (1, 1000), (300, 3), (5, 129)] {
        let numel = chunks * length;
        let x: Vec<f32> = (0..numel).map(|i| ((i * 7919) % 641) as f32 - 700.0).collect();
        let info = rig.put(&[numel, 1]);
        let (input, sums) = (rig.put(&x), rig.put(&vec![0.0_f32; chunks]));
        let maxima = rig.put(&vec![f32::NEG_INFINITY; chunks]);
        let parameters = [by(numel), by(1_usize), by(2.0_f32), by(length), by(info), by(input), by(sums)];
        rig.run(sum, "sum_to_fwd_f32", threads(numel), &parameters).unwrap();
        let parameters = [by(numel), by(1_usize), by(length), by(info), by(input), by(maxima)];
        rig.run(max, "max_to_fwd_f32", threads(numel), &parameters).unwrap();
        let expected: Vec<f32> = x.chunks(length).map(|chunk| 2.0 * chunk.iter().sum::<f32>()).collect();
        assert_eq!(rig.get::<f32>(sums, chunks), expected, "{chunks} sums of {length}");
        let expected: Vec<f32> = x.chunks(length).map(|chunk| chunk.iter().copied().fold(f32::MIN, f32::max)).collect();
        assert_eq!(rig.get::<f32>(maxima, chunks), expected, "{chunks} maxima of {length}");
    }
}

/// Many threads add to the same rows; an index that is too large stops the kernel.
#[test]
fn gradients_of_gathered_rows_are_added_up() {
    let rig = Rig::new();
    let module = rig.dfdx("select_and_gather/gather.cu");
    let (rows, width) = (5, 8);
    let chosen: Vec<usize> = (0..40).map(|i| i * i % rows).collect();
    let grad_out: Vec<f32> = (0..40 * width).map(|i| i as f32).collect();
    let mut expected = vec![0.0_f32; rows * width];
    for (i, g) in grad_out.iter().enumerate() {
        expected[chosen[i / width] * width + i % width] += g;
    }
    let (dims, strides) = (rig.put(&[rows, width]), rig.put(&[width, 1]));
    let (of_index, step) = (rig.put(&[40_usize]), rig.put(&[1_usize]));
    let (grad, out) = (rig.put(&vec![0.0_f32; rows * width]), rig.put(&grad_out));
    let launch = |chosen: &[usize]| {
        let index = rig.put(chosen);
        let numel = 40 * width;
        let parameters = [
            by(numel),
            by(grad),
            by(2_usize),
            by(dims),
            by(strides),
            by(index),
            by(1_usize),
            by(of_index),
            by(step),
            by(out),
            by(2_usize),
        ];
        rig.run(module, "gather_bwd_f32", threads(numel), &parameters)
    };
    launch(&chosen).unwrap();
    assert_eq!(rig.get::<f32>(grad, rows * width), expected);
    let failure = launch(&[rows; 40]).unwrap_err();
    assert_eq!((failure.call, failure.code), ("cuLaunchKernel", 710));
    assert!(failure.reason.contains("gather_bwd_f32: assertion failed: idx_mid < inp_dims[ax]"), "{failure}");
}

/// `AdamConfig` of adam.cu.
#[derive(Clone, Copy)]
#[repr(C)]
struct AdamConfig {
    lr: f64,
    beta1: f64,
    beta2: f64,
    eps: f64,
    decay_kind: u32,
    decay: f64,
}

/// Kingma and Ba, "Adam", 2015, algorithm 1, with the decoupled decay of Loshchilov and Hutter, 2019.
#[test]
fn adam_takes_a_structure_by_value() {
    let rig = Rig::new();
    let module = rig.dfdx("adam/adam.cu");
    let AdamConfig { lr, beta1, beta2, eps, decay, .. } =
        AdamConfig { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay_kind: 2, decay: 0.1 };
    let config = AdamConfig { lr, beta1, beta2, eps, decay_kind: 2, decay };
    let start: Vec<f64> = (0..300).map(|i| f64::from(i).sin()).collect();
    let gradient: Vec<f64> = (0..300).map(|i| f64::from(i).cos()).collect();
    let zeros = vec![0.0_f64; 300];
    let (p, m, v, g) = (rig.put(&start), rig.put(&zeros), rig.put(&zeros), rig.put(&gradient));
    let (mut expected, mut m1, mut m2) = (start, zeros.clone(), zeros);
    for step in 1..=3_i32 {
        let parameters = [by(config), by(300_usize), by(step), by(p), by(m), by(v), by(g)];
        rig.run(module, "adam_update_f64", threads(300), &parameters).unwrap();
        for i in 0..300 {
            m1[i] = beta1 * m1[i] + (1.0 - beta1) * gradient[i];
            m2[i] = beta2 * m2[i] + (1.0 - beta2) * gradient[i] * gradient[i];
            let (hat1, hat2) = (m1[i] / (1.0 - beta1.powi(step)), m2[i] / (1.0 - beta2.powi(step)));
            expected[i] -= lr * hat1 / (hat2.sqrt() + eps) + lr * decay * expected[i];
        }
    }
    for (got, expected) in rig.get::<f64>(p, 300).iter().zip(&expected) {
        assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
    }
}

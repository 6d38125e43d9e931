//! How fast a GPU is, as one line of JSON that `tests/gpu/peer.py` puts beside PyTorch's figures. As there, no loss is
//! read while it is measured, and pixels and tokens are on the GPU before; classes are not, as `cross_entropy` takes
//! them. On a simulated GPU all is done once, at a small size: only the counts say something.

use std::process::Command;
use std::time::Instant;

use dfdx::prelude::*;
use serde_json::{Map, Value, json};

use super::training::{Mlp, pictures};
use crate::device::{Dev, Precision, device, device_name, device_seeded, set_matmul_precision};
use crate::loss::cross_entropy;
use crate::nn::{CausalTransformerBlock, Embedding, Linear, SinusoidalPositions};
use crate::train::{Adam, Optimizer};

/// The tokens that the article's Transformer sees at once: those of `notebooks/04-text-generation.ipynb`.
const CONTEXT: usize = 64;

/// That notebook's model of the article's shape: vocabulary 1000, width 512, 8 heads, 2 layers.
type Article = (
    Embedding<1000, 512>,
    SinusoidalPositions<CONTEXT, 512>,
    Repeated<CausalTransformerBlock<512, 8, 2048>, 2>,
    Linear<512, 1000>,
);

/// A model in training: a step each time it is called.
type Step = Box<dyn FnMut()>;

/// 784-128-10 with Adam, 64 pictures at a time.
fn mlp() -> Step {
    let dev = device_seeded(1);
    let mut model = dev.build_module::<Mlp, f32>();
    let (x, classes) = pictures(&dev, 0);
    let (mut adam, mut gradients) = (Adam::new(1e-3), Some(model.alloc_grads()));
    Box::new(move || {
        let scores = model.forward(x.trace(gradients.take().expect("gradients")));
        let mut after = cross_entropy(scores, &classes).expect("a loss").backward();
        adam.update(&mut model, &after).expect("a step");
        model.zero_grads(&mut after);
        gradients = Some(after);
    })
}

/// The article's Transformer with Adam, `BATCH` sequences at a time.
fn transformer<const BATCH: usize>() -> Step {
    let dev = device_seeded(1);
    let mut model = dev.build_module::<Article, f32>();
    let tokens: Vec<usize> = (0..BATCH * CONTEXT).map(|i| i * 7919 % 1000).collect();
    let next: Vec<usize> = tokens.iter().map(|token| (token * 31 + 7) % 1000).collect();
    let x: Tensor<Rank2<BATCH, CONTEXT>, usize, Dev> = dev.tensor_from_vec(tokens, (Const, Const));
    let (mut adam, mut gradients) = (Adam::new(1e-3), Some(model.alloc_grads()));
    Box::new(move || {
        let scores = model.forward(x.trace(gradients.take().expect("gradients")));
        let mut after = cross_entropy(scores, &next).expect("a loss").backward();
        adam.update(&mut model, &after).expect("a step");
        model.zero_grads(&mut after);
        gradients = Some(after);
    })
}

fn simulated() -> bool {
    device_name().starts_with("Simulated")
}

/// Seconds of one call: as many as a second takes, after a few to warm up.
fn seconds(mut work: impl FnMut()) -> f64 {
    let (least, at_once) = if simulated() { (0.0, 1) } else { (1.0, 10) };
    (0..3).for_each(|_| work());
    device().synchronize();
    let (start, mut count) = (Instant::now(), 0u32);
    loop {
        (0..at_once).for_each(|_| work());
        device().synchronize();
        count += at_once;
        if start.elapsed().as_secs_f64() >= least {
            break;
        }
    }
    start.elapsed().as_secs_f64() / f64::from(count)
}

/// What one step asks of the GPU: the same in each but the first.
fn counts(step: &mut Step) -> Value {
    step();
    let gpu = cuda::gpu::gpu().expect("a GPU");
    let before = gpu.counts.all();
    step();
    let after = gpu.counts.all().into_iter().zip(before);
    Value::Object(after.map(|((name, after), (_, before))| (name.to_owned(), json!(after - before))).collect())
}

/// TFLOP/s of a product of square matrices.
fn teraflops<const N: usize>() -> f64 {
    let numbers: Vec<f32> = (0..N * N).map(|i| (i % 13) as f32 / 13.0).collect();
    let a: Tensor<Rank2<N, N>, f32, Dev> = device().tensor(numbers);
    2.0 * (N as f64).powi(3) / seconds(|| drop(a.clone().matmul(a.clone()))) / 1e12
}

/// What a test says, in a process of its own, behind a word.
fn said_by(test: &str, word: &str) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("device::trial::speed::{test}"), "--ignored", "--nocapture"])
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once(word)).unwrap_or_else(|| panic!("no {word}in {text}"));
    line.1.trim().to_owned()
}

/// Seconds that the first layer of a new process takes, from opening the GPU until its numbers are back.
fn first_product() -> f64 {
    said_by("first_use", FIRST).parse().expect("seconds")
}

const FIRST: &str = "first product after ";

#[test]
#[ignore = "a process of its own: `speed` starts it"]
#[allow(clippy::print_stdout)] // it is what this is for
fn first_use() {
    let start = Instant::now();
    let layer = device().build_module::<Linear<64, 64>, f32>();
    let y = layer.forward(device().ones::<Rank2<64, 64>>());
    assert!(y.as_vec()[0].is_finite());
    println!("{FIRST}{}", start.elapsed().as_secs_f64());
}

const ASKED: &str = "asked per step ";

/// More would be slower: each launch, product, copy and fill is a call of the driver, and takes microseconds.
#[test]
fn a_step_asks_no_more_of_the_gpu() {
    // All threads are counted, so a process of its own counts.
    let asked: Value = serde_json::from_str(&said_by("counted", ASKED)).expect("counts");
    let most = json!({
        "mlp": {"launches": 12, "products": 6, "allocations": 17, "uploads": 2, "downloads": 1, "copies": 0, "fills": 1},
        "transformer":
            {"launches": 69, "products": 51, "allocations": 109, "uploads": 4, "downloads": 2, "copies": 5, "fills": 5},
    });
    for (model, most) in most.as_object().expect("models") {
        for (what, most) in most.as_object().expect("counts") {
            let found = asked[model][what].as_u64().expect("a count");
            let most = most.as_u64().expect("a count");
            assert!((found > 0 || most == 0) && found <= most, "{model}: {found} {what}, not {most}");
        }
    }
}

#[test]
#[ignore = "a process of its own: `a_step_asks_no_more_of_the_gpu` starts it"]
#[allow(clippy::print_stdout)] // it is what this is for
fn counted() {
    let counts = json!({"mlp": counts(&mut mlp()), "transformer": counts(&mut transformer::<1>())});
    println!("\n{ASKED}{counts}");
}

#[test]
#[ignore = "it measures"]
#[allow(clippy::print_stdout)]
fn speed() {
    device();
    let batch: usize = if simulated() { 1 } else { 32 };
    let transformer = || if simulated() { transformer::<1>() } else { transformer::<32>() };
    let (mut products, mut mlps, mut transformers) = (Map::new(), Map::new(), Map::new());
    for precision in [Precision::Fp32, Precision::Tf32, Precision::Bf16] {
        set_matmul_precision(precision);
        let name = precision.name();
        if simulated() {
            products.insert(format!("64 {name}"), json!(teraflops::<64>()));
        } else {
            products.insert(format!("4096 {name}"), json!(teraflops::<4096>()));
            products.insert(format!("8192 {name}"), json!(teraflops::<8192>()));
        }
        mlps.insert(name.to_owned(), json!(seconds(mlp()) * 1e3));
        transformers.insert(name.to_owned(), json!((batch * CONTEXT) as f64 / seconds(transformer())));
    }
    // The second finds its kernels compiled.
    let first = [first_product(), first_product()][1];
    let report = json!({
        "device": device_name(),
        "products_tflops": products,
        "mlp_step_ms": mlps,
        "transformer": {
            "vocabulary": 1000, "width": 512, "heads": 8, "layers": 2, "context": CONTEXT, "batch": batch,
        },
        "transformer_tokens_per_second": transformers,
        "first_product_seconds": first,
        "per_mlp_step": counts(&mut mlp()),
        "per_transformer_step": counts(&mut transformer()),
    });
    // libtest's own words stand on the line before.
    println!("\n{report}");
}

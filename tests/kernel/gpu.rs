//! Cells whose tensors are on a GPU: the simulated one, since a test machine need not have another.

use std::path::PathBuf;
use std::process::Command;

use object::{Object, ObjectSymbol};

use crate::{ASSAY, check, start, start_on};

/// The article's classifier in small, on data that it can learn.
const TRAIN: &str = r#"
type Net = (Linear<16, 32>, ReLU, Linear<32, 4>);

let dev = device_seeded(7);
let mut model = dev.build_module::<Net, f32>();
let numbers: Vec<f32> = (0..64 * 16).map(|i| if i % 16 / 4 == i / 16 % 4 { 1.0 } else { (i % 7) as f32 / 20.0 }).collect();
let classes: Vec<usize> = (0..64).map(|row| row % 4).collect();
let x: Tensor<Rank2<64, 16>, f32, Dev> = dev.tensor(numbers);
let mut optimizer = Adam::new(0.01);
let mut gradients = model.alloc_grads();
let mut losses = Vec::new();
for _ in 0..40 {
    let loss = cross_entropy(model.forward(x.trace(gradients)), &classes)?;
    losses.push(loss.array());
    gradients = loss.backward();
    optimizer.update(&mut model, &gradients)?;
    model.zero_grads(&mut gradients);
}
println!("{:.4} {:.4}", losses[0], losses[39]);
"#;

/// What a cell says on a device.
async fn said(device: &str, cells: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start_on(folder.path(), device).await;
    let mut texts = Vec::new();
    for cell in cells {
        texts.push(format!("{:?}", check::execute(&kernel, cell).await));
    }
    kernel.shutdown().await;
    texts
}

#[tokio::test]
async fn the_same_cells_train_on_both_devices_to_the_same_loss() {
    let losses = |said: &str| -> Vec<f32> {
        let words = said.split(|c: char| !c.is_ascii_digit() && c != '.');
        words.filter(|word| word.len() == 6 && word.contains('.')).map(|word| word.parse().unwrap()).collect()
    };
    let on_cpu = said("cpu", &["println!(\"{}\", device_name());", TRAIN]).await;
    assert!(on_cpu[0].contains("CPU"), "{}", on_cpu[0]);
    let name = "set_matmul_precision(Precision::Fp32); println!(\"{} {:?}\", device_name(), matmul_precision());";
    let on_gpu = said("simulated", &[name, TRAIN]).await;
    assert!(on_gpu[0].contains("Simulated GPU") && on_gpu[0].contains("Fp32"), "{}", on_gpu[0]);
    let (ours, theirs) = (losses(&on_gpu[1]), losses(&on_cpu[1]));
    assert!(theirs.len() == 2 && theirs[1] < 0.2 * theirs[0], "{on_cpu:?}");
    assert!(ours.len() == 2 && ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-3), "{ours:?}, {theirs:?}");
}

#[tokio::test]
async fn types_and_messages_are_those_of_lab() {
    let frame = "let table = df![\"a\" => [1, 2, 3]]?;";
    let keep = "let dev = device(); let rows: Tensor<Rank2<2, 3>, f32, Dev> = dev.zeros();\n\
                let layer = dev.build_module::<Linear<3, 4>, f32>();";
    let wrong = "let narrow: Linear<5, 4> = layer.clone();";
    let asked = "let wide = layer.try_forward(rows)?;";
    let shown = "layer.forward(rows.clone())";
    let cells = [frame, "println!(\"{} rows\", table.height());", keep, shown, wrong, asked];
    let said = said("simulated", &cells).await;
    assert!(said[1].contains("3 rows"), "{}", said[1]);
    assert!(said[3].contains("2×4"), "{}", said[3]);
    assert!(said[4].contains("E0308") && !said[4].contains("lab_gpu"), "{}", said[4]);
    assert!(said[5].contains("`.map_err(|error| error.to_string())?`"), "{}", said[5]);
}

#[tokio::test]
async fn a_full_gpu_is_an_error_that_says_what_is_there_and_the_kernel_lives_on() {
    let fill = "let mut all: Vec<Tensor<Rank1<30000000>, f32, Dev>> = Vec::new(); loop { all.push(device().zeros()); }";
    let said = said("simulated", &[fill, "println!(\"still {}\", 40 + 2);"]).await;
    let (wanted, alive) = ("no room on the GPU for a tensor of [30000000], 114.4 MiB", "Alive: 928.0 MiB in 8 buffers");
    assert!(said[0].contains(wanted) && said[0].contains(alive), "{}", said[0]);
    assert!(said[1].contains("still 42"), "{}", said[1]);
}

#[tokio::test]
async fn a_full_gpu_names_the_shape_of_what_a_layer_makes() {
    let fill = "let dev = device(); let layer = dev.build_module::<Linear<64, 4096>, f32>();\n\
                let x: Tensor<(usize, Const<64>), f32, Dev> = dev.zeros_like(&(20000, Const::<64>));\n\
                let mut all = Vec::new(); loop { all.push(layer.forward(x.clone())); }";
    let said = said("simulated", &[fill]).await;
    assert!(said[0].contains("no room on the GPU for a tensor of [20000, 4096], 312.5 MiB"), "{}", said[0]);
}

#[tokio::test]
async fn a_run_says_how_much_of_the_gpu_s_memory_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start_on(folder.path(), "simulated").await;
    let cells = [
        "type Square = Tensor<Rank2<1000, 1000>, f32, Dev>;\n\
         let run = Run::start(\"four at once\", &())?; let kept: Square = device().zeros();\n\
         drop((0..3).map(|_| device().zeros()).collect::<Vec<Square>>()); run.finish()?;",
        "let run = Run::start(\"one kept\", &())?; run.finish()?;",
    ];
    for cell in cells {
        let seen = check::execute(&kernel, cell).await;
        assert!(seen.error().is_none(), "{seen:?}");
    }
    kernel.shutdown().await;
    let store = tracker::Store::open(folder.path().join("assay.db")).unwrap();
    // Each takes two steps of 2 MiB, by which large buffers grow.
    let square = 4.194_304;
    for (run, used, peak) in [("four at once", square, 4.0 * square), ("one kept", square, square)] {
        let run = store.run(run).unwrap();
        let last = |what: &str| run.metric(&format!("system.gpu_process_memory_{what}{{gpu=0}}")).unwrap().last;
        assert_eq!((last("mb"), last("peak_mb")), (used, peak), "{}", run.name);
    }
}

#[tokio::test]
async fn a_gpu_that_is_not_there_is_said_in_a_sentence_and_the_cpu_computes() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path()).await);
    for (device, part) in [("cuda:7", "cuda:7"), ("gpu", "is no device: write cpu, cuda")] {
        let mut launch = kernel::client::Launch::new([ASSAY, "kernel", "--connection-file", "{connection_file}"]);
        launch.directory = Some(folder.path().to_owned());
        launch.envs.push(("ASSAY_DEVICE".into(), device.into()));
        let kernel = launch.start().await.unwrap();
        let seen = format!("{:?}", check::execute(&kernel, "println!(\"on {}\", device_name());").await);
        kernel.shutdown().await;
        assert!(seen.contains("Computing on the CPU") && seen.contains("on CPU"), "{device}: {seen}");
        // Without a GPU, the first complaint is about that.
        assert!(
            seen.contains(part) || seen.contains("no NVIDIA driver") || seen.contains("no GPU"),
            "{device}: {seen}"
        );
    }
}

/// What generic code of cudarc calls is compiled into cells, so it must be seen from outside; nothing else may be.
const VISIBLE: [&str; 7] = [
    "cuLaunchKernel",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyDtoH_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemcpyHtoD_v2",
    "nvrtcCompileProgram",
    "nvrtcCreateProgram",
];

#[tokio::test]
async fn no_name_of_nvidia_s_leaves_the_environment_but_those_that_cells_call() {
    for (device, library) in [("cpu", "liblab.so"), ("simulated", "liblab_gpu.so")] {
        let folder = tempfile::tempdir().unwrap();
        drop(start_on(folder.path(), device).await);
        let path = Command::new(ASSAY).args(["env", "path"]).env("ASSAY_DEVICE", device).output().unwrap();
        let path = PathBuf::from(String::from_utf8(path.stdout).unwrap().trim()).join(library);
        let bytes = std::fs::read(&path).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let of_nvidia = |name: &str| {
            let after = ["cublas", "nvrtc", "cuda", "cu"].iter().find_map(|prefix| name.strip_prefix(prefix));
            after.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        };
        let symbols = file.dynamic_symbols().filter_map(|symbol| Some((symbol.name().ok()?, symbol.is_definition())));
        let (mut defined, mut wanted) = (Vec::new(), Vec::new());
        for (name, is_definition) in symbols.filter(|(name, _)| of_nvidia(name)) {
            if is_definition { defined.push(name) } else { wanted.push(name) }
        }
        defined.sort_unstable();
        assert_eq!(defined, VISIBLE, "{library}");
        assert!(wanted.is_empty(), "{library} needs {wanted:?} from a library of NVIDIA's");
    }
}

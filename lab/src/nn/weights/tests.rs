//! There and back, files from elsewhere, what does not fit, and what is damaged.

use dfdx::prelude::*;

use super::*;
use crate::device::device;
use crate::nn::check::{Expected, close};
use crate::nn::{Conv2D, Flatten, GRU, LastStep, LayerNorm, TransformerEncoderBlock};
use crate::train::{Adam, Optimizer};

type Model = (Linear<3, 4>, ReLU, (LayerNorm<4>, Linear<4, 2>));

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("lab-weights-{}-{name}.safetensors", std::process::id()))
}

/// A folder's entries that start with this file's name, finished or not.
fn left_over(path: &Path) -> usize {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let entries = std::fs::read_dir(path.parent().expect("a folder")).expect("entries");
    entries.filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().contains(&name)).count()
}

#[test]
fn weights_come_back_and_dfdx_reads_them() {
    let path = file("back");
    let (model, mut other) = (device().build_module::<Model, f32>(), device().build_module::<Model, f32>());
    crate::nn::init::normal(&mut other, 1.0, 5);
    save_weights(&model, &path).expect("saved");
    assert_eq!(left_over(&path), 1, "nothing is left beside");
    load_weights(&mut other, &path).expect("loaded");
    assert_eq!(Weights::of(&other), Weights::of(&model));
    assert_eq!(Weights::of(&model).names(), ["0.weight", "0.bias", "2.0.weight", "2.0.bias", "2.1.weight", "2.1.bias"]);

    // dfdx's own reader is the safetensors crate; and its own files are read here.
    let mut theirs = device().build_module::<(Linear<3, 4>, ReLU), f32>();
    theirs.load_safetensors(&path).expect("dfdx reads it");
    assert_eq!(theirs.0.weight.array(), model.0.weight.array());
    theirs.save_safetensors(&path).expect("dfdx writes");
    let read = Weights::read(&path).expect("what dfdx wrote");
    assert_eq!(read.get("0.weight"), Some((&[4, 3][..], &model.0.weight.as_vec()[..])));
    std::fs::remove_file(&path).expect("removed");
}

#[test]
fn a_file_of_another_model_changes_nothing_and_is_explained() {
    let path = file("other");
    save_weights(&device().build_module::<(Linear<3, 4>, ReLU, (LayerNorm<4>, Linear<4, 3>)), f32>(), &path)
        .expect("saved");
    let mut model = device().build_module::<(Linear<3, 4>, Linear<4, 4>, (LayerNorm<4>, Linear<4, 2>)), f32>();
    let before = Weights::of(&model);
    let error = load_weights(&mut model, &path).expect_err("another model").to_string();
    assert!(error.contains("missing: 1.weight, 1.bias"), "{error}");
    assert!(error.contains("2.1.weight is [2, 4] in the model and [3, 4] in the file"), "{error}");
    assert_eq!(Weights::of(&model), before);

    let report = load_partial(&mut model, &path).expect("in part");
    assert_eq!(report.loaded, ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]);
    assert_eq!(report.missing, ["1.weight", "1.bias"]);
    assert_eq!(report.wrong_shape.len(), 2);
    assert!(!report.is_complete() && report.unexpected.is_empty());
    let read = Weights::read(&path).expect("weights");
    assert_eq!(Weights::of(&model).get("0.weight"), read.get("0.weight"));
    assert_eq!(Weights::of(&model).get("2.1.weight"), before.get("2.1.weight"));

    let mut head = device().build_module::<Linear<3, 4>, f32>();
    let report = read.renamed(|name| Some(name.strip_prefix("0.")?.to_owned())).load_into(&mut head);
    assert!(report.is_complete(), "{report}");
    std::fs::remove_file(&path).expect("removed");
}

#[test]
fn a_permuted_weight_is_stored_and_loaded_in_order() {
    let values = [[1., 2.], [3., 4.], [5., 6.]];
    let mut model = device().build_module::<Linear<3, 2>, f32>();
    model.weight = device().tensor(values).permute();
    let weights = Weights::of(&model);
    assert_eq!(weights.get("weight"), Some((&[2, 3][..], &[1., 3., 5., 2., 4., 6.][..])));
    crate::nn::init::zeros(&mut model);
    weights.load_into(&mut model);
    assert_eq!(model.weight.array(), [[1., 3., 5.], [2., 4., 6.]]);
}

/// Loads a case's file, which PyTorch wrote, into a model; compares what it gives with what PyTorch's model gave, and
/// its names and shapes with those in the file.
fn check_pytorch<In: ConstShape, M: BuildOnDevice<Dev, f32>, Out: ConstShape>(case: &str, fused: bool)
where
    M::Built: Module<Tensor<In, f32, Dev>, Output = Tensor<Out, f32, Dev>>,
{
    let (expected, path) = (Expected::new(include_str!("expected.json")), file(case));
    std::fs::write(&path, expected.file(case)).expect("written");
    let mut model = device().build_module::<M, f32>();
    load_weights(&mut model, &path).expect("PyTorch's weights");
    let x = device().tensor_from_vec(expected.row(case, "x"), In::default());
    close(case, &model.forward(x).as_vec(), &expected.row(case, "y"), 1e-5);

    let theirs = Weights::read(&path).expect("weights");
    save_weights(&model, &path).expect("saved");
    let ours = Weights::read(&path).expect("weights");
    for name in theirs.names().into_iter().filter(|name| !fused || !name.contains("in_proj")) {
        assert_eq!(ours.get(name), theirs.get(name), "{case}: {name}");
    }
    assert!(fused || ours.names().len() == theirs.names().len(), "{case}: {:?}", ours.names());
    std::fs::remove_file(&path).expect("removed");
}

#[test]
fn files_of_pytorch_give_its_outputs_and_are_written_back_alike() {
    type Cnn = (Conv2D<1, 2, 3, 4, 4>, builders::BatchNorm2D<2>, builders::PReLU, Flatten<32>, Linear<32, 3>);
    check_pytorch::<Rank4<2, 1, 6, 6>, Cnn, Rank2<2, 3>>("cnn", false);
    type Attention = (Linear<3, 4>, TransformerEncoderBlock<4, 2, 6>, LayerNorm1D<4>);
    check_pytorch::<Rank3<2, 3, 3>, Attention, Rank3<2, 3, 4>>("attention", true);
    check_pytorch::<Rank3<2, 3, 3>, (GRU<3, 4>, LastStep, Linear<4, 2>), Rank2<2, 2>>("gru", false);
}

#[test]
fn a_file_with_the_names_of_dfdx_is_loaded_too() {
    let path = file("dfdx");
    type Model = (builders::BatchNorm1D<3>, LayerNorm1D<3>);
    let (mut model, mut other) = (device().build_module::<Model, f32>(), device().build_module::<Model, f32>());
    (model.0.scale, model.1.beta) = (device().tensor([1., 2., 3.]), device().tensor([4., 5., 6.]));
    model.save_safetensors(&path).expect("dfdx writes");
    load_weights(&mut other, &path).expect("loaded");
    assert_eq!(Weights::of(&other), Weights::of(&model));
    let names = Weights::of(&model).names().join(" ");
    assert_eq!(names, "0.weight 0.bias 0.running_mean 0.running_var 1.weight 1.bias");
    std::fs::remove_file(&path).expect("removed");
}

/// A file with this header and as many bytes of numbers.
fn forged(header: &str, numbers: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; numbers]].concat()
}

#[test]
fn damaged_files_are_refused_with_the_place() {
    let whole = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
    for (bytes, reason) in [
        (vec![1, 2, 3], "shorter than 8"),
        (u64::MAX.to_le_bytes().to_vec(), "0 are left"),
        (forged("{]", 0), "not JSON"),
        (forged(whole, 23), "tensor a should be bytes 0 to 24 of the numbers, but there are 23"),
        (forged(r#"{"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,24]}}"#, 24), "can't be 24 bytes"),
        (forged(r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[24,0]}}"#, 24), "24 to 0"),
        (forged(r#"{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,24]}}"#, 24), "can't be"),
        (forged(r#"{"a":{"shape":[2,3]}}"#, 24), "tensor a: missing field"),
    ] {
        let error = format::parse(&bytes).expect_err("a damaged file");
        assert!(error.contains(reason), "{error}, not {reason}");
    }
    assert_eq!(format::parse(&forged(whole, 24)).expect("a whole file").0.len(), 1);
    let error = load_partial(&mut device().build_module::<Linear<1, 1>, f32>(), "/nowhere/x").expect_err("no file");
    assert!(error.to_string().contains("/nowhere/x"), "{error}");
    let error = save_weights(&device().build_module::<Linear<1, 1>, f32>(), "/nowhere/x").expect_err("no folder");
    assert!(error.to_string().contains("/nowhere/x"), "{error}");
}

#[test]
fn other_types_are_read_and_whole_numbers_left_out() {
    let header = concat!(
        r#"{"__metadata__":{"format":"pt"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"#,
        r#""d":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"h":{"dtype":"F16","shape":[1],"#,
        r#""data_offsets":[16,18]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[18,20]}}"#
    );
    let mut bytes = forged(header, 0);
    bytes.extend(7i64.to_le_bytes());
    bytes.extend(1.5f64.to_le_bytes());
    bytes.extend(0x3e00u16.to_le_bytes());
    bytes.extend(0x3fc0u16.to_le_bytes());
    let (stored, _) = format::parse(&bytes).expect("a whole file");
    let values: Vec<_> = stored.iter().map(|stored| (stored.name.as_str(), stored.values[0])).collect();
    assert_eq!(values, [("d", 1.5), ("h", 1.5), ("b", 1.5)]);
}

#[test]
fn frozen_weights_stay_and_the_others_train() {
    let mut model = device().build_module::<(Conv2D<1, 2, 2, 1, 1>, crate::nn::Flatten<2>, Linear<2, 1>), f32>();
    let frozen = Frozen::new(&model, &["0"]).expect("frozen weights");
    assert_eq!(frozen.names(), ["0.weight", "0.bias"]);
    assert!(frozen.contains("0.bias") && !frozen.contains("2.bias"));
    let before = (model.0.clone(), model.2.clone());
    let x: Tensor<Rank4<3, 1, 2, 2>, f32, _> = device().sample_normal();
    let mut adam = Adam::new(0.1).with_weight_decay(0.1);
    for _ in 0..3 {
        let gradients = model.forward(x.trace(model.alloc_grads())).square().mean().backward();
        adam.update(&mut model, &gradients).expect("a step");
        assert_ne!(model.0.weight.as_vec(), before.0.weight.as_vec());
        frozen.restore(&mut model);
        assert_eq!(model.0.weight.as_vec(), before.0.weight.as_vec());
    }
    assert_ne!(model.2.weight.as_vec(), before.1.weight.as_vec());
    let error = Frozen::new(&model, &["0", "2.w"]).expect_err("no such weight").to_string();
    assert!(error.contains("2.w") && error.contains("2.weight"), "{error}");
}

//! Preprocessing end to end on real files, where `ASSAY_DATA` names their folder. Expected values are those of
//! scikit-learn 1.9.1 and pandas: `SimpleImputer`, `StandardScaler` and `OneHotEncoder` fitted on the whole file,
//! `LinearRegression` on what they give.

#![allow(clippy::print_stdout)]
#![allow(clippy::excessive_precision, reason = "the digits that scikit-learn prints")]

use dfdx::nn::builders::Linear;
use dfdx::nn::{DeviceBuildExt, Module};
use dfdx::tensor::{AsArray, TensorFrom};
use polars::prelude::DataFrame;

use super::*;
use crate::metric::{mean_absolute_error, r2_score, root_mean_squared_error};

const HOUSES: [&str; 8] = [
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
];
const PASSENGERS: [&str; 4] = ["age", "fare", "sibsp", "parch"];

/// The table, or nothing with a word about it when there is no folder of data sets.
fn table(name: &str) -> Option<DataFrame> {
    if std::env::var_os("ASSAY_DATA").is_none() {
        println!("skipped: ASSAY_DATA is not set, and {name} is read from there");
        return None;
    }
    Some(read_csv(data_file(name).expect("a path")).expect("a table"))
}

fn near(got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len());
    assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?}\n{expected:?}");
}

/// Houses without missing values, scaled, with columns of zeros and ones for the place.
fn houses(frame: &DataFrame) -> (DataFrame, Vec<String>) {
    let imputer = Imputer::fit(frame, &["total_bedrooms"], &Fill::Median).expect("an imputer");
    let frame = imputer.transform(frame).expect("a frame");
    let scaler = Scaler::standard(&frame, &HOUSES).expect("a scaler");
    let encoder = OneHotEncoder::fit(&frame, &["ocean_proximity"]).expect("an encoder");
    let frame = encoder.transform(&scaler.transform(&frame).expect("a frame")).expect("a frame");
    let columns = HOUSES.iter().map(|name| (*name).to_owned()).chain(encoder.names());
    (frame, columns.collect())
}

#[test]
fn house_prices_as_scikit_learn_prepares_and_fits_them() {
    let Some(raw) = table("california_housing.csv") else { return };
    let missing = Dataset::<1, 2>::new(&raw, &["total_bedrooms"], "ocean_proximity").expect_err("missing").to_string();
    assert!(missing.contains("\"total_bedrooms\" has 207 missing values, the first in row 182"), "{missing}");
    let text = Samples::<1>::new(&raw, &["ocean_proximity"], "median_house_value").expect_err("text").to_string();
    assert!(text.contains("\"ocean_proximity\" is str"), "{text}");

    let (frame, columns) = houses(&raw);
    let samples = Samples::<13>::new(&frame, &columns, "median_house_value").expect("samples");
    assert_eq!((samples.len(), columns[10].as_str()), (20_640, "ocean_proximity=ISLAND"));
    let first = [-1.327_835_2, 1.052_548_3, 0.982_142_7, -0.804_819_1, -0.972_476_5, -0.974_428_6, -0.977_032_9];
    near(samples.features().row(0), &[first.as_slice(), &[2.344_765_8, 0.0, 0.0, 0.0, 1.0, 0.0]].concat());
    let filled = [0.648_722_4, -0.745_288_1, -1.242_683_5, -0.390_437_2, -0.242_830_9, 0.646_857, 0.477_244_4];
    near(samples.features().row(182), &[filled.as_slice(), &[-1.140_593_1, 1.0, 0.0, 0.0, 0.0, 0.0]].concat());
    assert_eq!(samples.targets().row(182), [118_100.0]);
}

#[test]
fn a_fitted_line_predicts_house_prices_as_well_as_scikit_learn() {
    let Some(raw) = table("california_housing.csv") else { return };
    let samples = Samples::<8>::new(&houses(&raw).0, &HOUSES, "median_house_value").expect("samples");
    let dev = crate::device::device();
    let mut model = dev.build_module::<Linear<8, 1>, f32>();
    model.weight = dev.tensor([[
        -85_369.225,
        -90_723.402,
        14_403.203,
        -14_443.944,
        34_037.426,
        -45_153.795,
        30_319.82,
        75_520.308,
    ]]);
    model.bias = dev.tensor([206_855.816]);
    let predicted = samples.predict(&model, &dev).expect("predictions");
    // 20,640 rows are 80 chunks of 256 and a part of one.
    assert_eq!(predicted.len(), samples.len());
    let truth = samples.targets().values();
    let close = |got: f64, expected: f64| assert!((got / expected - 1.0).abs() < 1e-5, "{got}, not {expected}");
    close(root_mean_squared_error(truth, &predicted).expect("a score"), 69_658.190_36);
    close(r2_score(truth, &predicted).expect("a score"), 0.635_592_926_3);
    close(mean_absolute_error(truth, &predicted).expect("a score"), 50_922.857_653);
    let (x, y) = samples.batches::<64>(&dev, 1).expect("batches").next().expect("a batch");
    let same = |row: &usize| samples.features().row(*row) == x.array()[5];
    assert!((0..samples.len()).filter(same).any(|row| truth[row] == y.array()[5][0]));
    assert_eq!(model.forward(x).as_vec().len(), 64);
}

#[test]
fn passengers_as_scikit_learn_prepares_them() {
    let Some(raw) = table("titanic.csv") else { return };
    let age = Imputer::fit(&raw, &["age"], &Fill::Mean).expect("an imputer");
    let port = Imputer::fit(&raw, &["embarked"], &Fill::MostFrequent).expect("an imputer");
    let frame = port.transform(&age.transform(&raw).expect("a frame")).expect("a frame");
    let scaler = Scaler::standard(&frame, &PASSENGERS).expect("a scaler");
    let encoder = OneHotEncoder::fit(&frame, &["sex", "embarked", "class"]).expect("an encoder");
    let frame = encoder.transform(&scaler.transform(&frame).expect("a frame")).expect("a frame");
    let columns: Vec<String> = PASSENGERS.iter().map(|name| (*name).to_owned()).chain(encoder.names()).collect();

    let data = Dataset::<12, 2>::new(&frame, &columns, "survived").expect("a dataset");
    assert_eq!((data.len(), data.labels().iter().sum::<usize>()), (891, 342));
    // Row 5 has no age, row 61 no port.
    let fifth = [0.0, -0.478_116_4, -0.474_545_2, -0.473_673_6, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    near(data.features().row(5), &fifth);
    let ported = [0.638_789, 0.962_353_3, -0.474_545_2, -0.473_673_6, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    near(data.features().row(61), &ported);

    let fates = LabelEncoder::fit(&frame, "alive").expect("an encoder");
    assert_eq!(fates.classes().names(), ["no", "yes"]);
    assert_eq!(fates.transform(&frame).expect("classes"), data.labels());
}

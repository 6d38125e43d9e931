//! Small trainings of all kinds give equal bits whatever the number of threads and the width of the vectors.
//!
//! `ASSAY_TRAININGS=500` makes more of them than CI does. A training is made by its number alone.

mod models;
mod training;

use std::collections::BTreeMap;
use std::process::Command;

use training::Training;

/// How many trainings are made: 30, or as many as this says.
const COUNT: &str = "ASSAY_TRAININGS";

/// Tells a process of this test that it is one.
const CHILD: &str = "ASSAY_TEST_TRAININGS_CHILD";

fn trainings() -> impl Iterator<Item = Training> {
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    (0..count).map(Training::numbered)
}

/// Hashes of all losses and weights, by the training's number and how many threads there were.
fn hashes() -> BTreeMap<(u64, usize), u64> {
    let mut hashes = BTreeMap::new();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        hashes.extend(trainings().map(|training| ((training.number, threads), pool.install(|| training.hash()))));
    }
    hashes
}

#[test]
#[allow(clippy::print_stderr)] // what was compared with what is the point
fn bits_are_those_of_one_thread_and_of_the_narrower_vectors() {
    let here = hashes();
    for (&(number, threads), hash) in &here {
        let training = Training::numbered(number);
        assert_eq!(hash, &here[&(number, 1)], "{training:?} with {threads} threads is not as with one");
    }
    let narrow = narrower();
    assert_eq!(narrow.len(), here.len());
    for (&(number, threads), hash) in &here {
        let training = Training::numbered(number);
        assert_eq!(hash, &narrow[&(number, threads)], "{training:?} with {threads} threads is another with AVX2");
    }
    // A test that trains nothing would pass as well.
    let different: std::collections::BTreeSet<_> = here.values().collect();
    assert_eq!(different.len(), here.len() / 3, "each training has weights of its own");
    let widest = gemm::isa();
    match widest {
        gemm::Isa::Avx512 => eprintln!("{} trainings are equal with AVX-512 and AVX2", here.len() / 3),
        _ => eprintln!("{widest:?} is the widest here: nothing wider was compared"),
    }
}

/// What a process with `ASSAY_ISA=avx2` gets.
fn narrower() -> BTreeMap<(u64, usize), u64> {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "train::bits::in_a_process_of_its_own", "--ignored", "--nocapture"]);
    let output = command.env(CHILD, "1").env("ASSAY_ISA", "avx2").output().expect("a process");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let numbers = |line: &str| -> Option<((u64, usize), u64)> {
        let mut words = line.split_once("bits ")?.1.split(' ');
        let mut next = || words.next()?.parse::<u64>().ok();
        Some(((next()?, usize::try_from(next()?).ok()?), next()?))
    };
    said.lines().filter_map(numbers).collect()
}

#[test]
#[ignore = "run by bits_are_those_of_one_thread_and_of_the_narrower_vectors"]
#[allow(clippy::print_stdout)] // read by the test that starts it
fn in_a_process_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    assert!(gemm::isa() <= gemm::Isa::Avx2, "ASSAY_ISA is read");
    for ((number, threads), hash) in hashes() {
        println!("\nbits {number} {threads} {hash}");
    }
}

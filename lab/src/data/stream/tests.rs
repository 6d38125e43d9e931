use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use polars::df;
use polars::prelude::{Column, DataFrame, IntoLazy, ParquetWriter, col, lit};

use super::*;
use crate::data::{Dataset, Samples, read_frame};

fn place(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("lab-stream-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(name)
}

/// Rows whose features say which row it is.
fn frame(rows: i32) -> DataFrame {
    let (x, y): (Vec<i32>, Vec<i32>) = ((0..rows).collect(), (0..rows).map(|row| row % 3).collect());
    df!("x" => x, "y" => y).expect("a frame")
}

fn parquet(name: &str, mut frame: DataFrame) -> PathBuf {
    let path = place(name);
    let file = std::fs::File::create(&path).expect("a file");
    ParquetWriter::new(file).with_row_group_size(Some(50)).finish(&mut frame).expect("written");
    path
}

fn dataset(chunk: &DataFrame) -> Result<Dataset<1, 3>, DataError> {
    Dataset::new(chunk, &["x"], "y")
}

fn rows<const B: usize>(stream: &Stream<Dataset<1, 3>>, seed: u64) -> Vec<f32> {
    let batches = stream.batches::<B>(&crate::device::device(), seed).expect("batches");
    batches.flat_map(|batch| batch.expect("a batch").0.as_vec()).collect()
}

#[test]
fn each_format_can_be_scanned_and_others_are_refused() {
    std::fs::write(place("a.csv"), "x,y\n1,0\n2,1\n").expect("a file");
    std::fs::write(place("a.jsonl"), "{\"x\":1,\"y\":0}\n{\"x\":2,\"y\":1}\n").expect("a file");
    let paths = [place("a.csv"), place("a.jsonl"), parquet("a.parquet", frame(2))];
    for path in paths {
        assert_eq!(scan(&path).expect("a scan").collect().expect("a frame").shape(), (2, 2), "{}", path.display());
    }
    let cases = [
        (place("a.csv.gz"), "only .parquet, .csv, .jsonl and .ndjson"),
        (place("nothing.parquet"), "can't open"),
        (place("bad.parquet"), "as Parquet"),
    ];
    std::fs::write(place("bad.parquet"), "PAR1 no").expect("a file");
    for (path, said) in cases {
        let error = scan(&path).err().expect("no table").to_string();
        assert!(error.contains(said) && error.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn chunks_are_all_rows_in_order_or_shuffled() {
    let path = parquet("chunks.parquet", frame(230));
    let firsts = |chunks: Chunks| -> Vec<(i64, usize)> {
        let first = |chunk: DataFrame| {
            (chunk.column("x").expect("x").get(0).expect("a row").try_extract().expect("a number"), chunk.height())
        };
        chunks.map(|chunk| first(chunk.expect("a chunk"))).collect()
    };
    let chunks = Chunks::new(scan(&path).expect("a scan"), 60).expect("chunks");
    assert_eq!(chunks.rows(), 230);
    assert_eq!(firsts(chunks.clone()), [(0, 60), (60, 60), (120, 60), (180, 50)]);
    let shuffled = firsts(chunks.clone().shuffled(3));
    assert_eq!(firsts(chunks.clone().shuffled(3)), shuffled);
    assert!((0..20).any(|seed| firsts(chunks.clone().shuffled(seed)) != shuffled));
    let mut sorted = shuffled;
    sorted.sort_unstable();
    assert_eq!(sorted, firsts(chunks));
    // Any lazy frame will do.
    let late = scan(&path).expect("a scan").filter(col("x").gt_eq(lit(200)));
    assert_eq!(firsts(Chunks::new(late, 20).expect("chunks")), [(200, 20), (220, 10)]);
    let none = scan(&path).expect("a scan").filter(col("x").lt(lit(0)));
    assert!(Chunks::new(none, 20).expect_err("no rows").to_string().contains("0 rows"));
}

#[test]
fn every_row_comes_once_with_its_label_in_an_order_of_the_seed() {
    let stream =
        Stream::new(scan(parquet("rows.parquet", frame(230))).expect("a scan"), 60, dataset).expect("a stream");
    let (mut seen, other) = (rows::<7>(&stream, 1), rows::<7>(&stream, 2));
    assert_eq!(seen, rows::<7>(&stream, 1));
    assert_ne!(seen, other);
    // 32 batches of 7; what is left of a chunk goes into a batch with the next chunk.
    assert_eq!(seen.len(), 224);
    seen.sort_by(f32::total_cmp);
    seen.dedup();
    assert_eq!(seen.len(), 224);
    for batch in stream.batches::<10>(&crate::device::device(), 5).expect("batches").indexed().prefetch(2) {
        let (x, classes) = batch.expect("a batch");
        for (x, class) in x.as_vec().into_iter().zip(classes) {
            assert_eq!(x as usize % 3, class);
        }
    }
    let error = stream.batches::<231>(&crate::device::device(), 1).expect_err("too few rows").to_string();
    assert_eq!(error, "230 rows don't fill one batch of 231");
}

#[test]
fn one_chunk_gives_the_batches_of_the_dataset() {
    let frame = frame(90);
    let stream = Stream::new(frame.clone().lazy(), 1_000, dataset).expect("a stream");
    let batches = dataset(&frame).expect("a dataset").batches::<8>(&crate::device::device(), 11).expect("batches");
    assert_eq!(rows::<8>(&stream, 11), batches.flat_map(|(x, _)| x.as_vec()).collect::<Vec<_>>());
}

#[test]
fn an_error_names_the_rows_of_the_file() {
    let mut frame = frame(100);
    let values: Vec<Option<i32>> = (0..100).map(|row| (row != 67).then_some(row)).collect();
    frame.with_column(Column::new("x".into(), values)).expect("a column");
    let samples = |chunk: &DataFrame| Samples::<1>::new(chunk, &["x"], "y");
    let stream = Stream::new(scan(parquet("hole.parquet", frame)).expect("a scan"), 20, samples).expect("a stream");
    let batches: Vec<_> = stream.batches::<10>(&crate::device::device(), 1).expect("batches").collect();
    let error = batches.last().expect("a batch").as_ref().expect_err("a missing value").to_string();
    assert!(error.contains("rows 60 to 79") && error.contains("\"x\"") && error.contains("row 7"), "{error}");
    assert_eq!(batches.iter().filter(|batch| batch.is_err()).count(), 1);
}

#[test]
fn csv_becomes_parquet_or_nothing() {
    let (csv, parquet) = (place("c.csv"), place("c.parquet"));
    std::fs::write(&csv, "a,b\n1,x\n2,\"y\nz\"\n").expect("a file");
    csv_to_parquet(&csv, &parquet).expect("converted");
    assert!(read_frame(&parquet).expect("a frame").equals(&read_frame(&csv).expect("a frame")));
    // A value that is no number, after the rows by which the column's type was told.
    let late = format!("a\n{}oops\n", "1\n".repeat(20_000));
    std::fs::write(&csv, late).expect("a file");
    let error = csv_to_parquet(&csv, place("d.parquet")).expect_err("no number").to_string();
    assert!(error.contains("c.csv") && error.contains("oops"), "{error}");
    assert!(!place("d.parquet").exists() && !place("d.parquet.part").exists());
    let error = csv_to_parquet(place("none.csv"), place("d.parquet")).expect_err("no file").to_string();
    assert!(error.contains("none.csv"), "{error}");
}

#[test]
fn one_chunk_is_in_use_and_one_waits() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let make = move |chunk: &DataFrame| {
        count.fetch_add(1, Ordering::SeqCst);
        dataset(chunk)
    };
    let stream = Stream::new(scan(parquet("held.parquet", frame(200))).expect("a scan"), 20, make).expect("a stream");
    for (at, batch) in stream.batches::<10>(&crate::device::device(), 1).expect("batches").enumerate() {
        batch.expect("a batch");
        let in_use = at / 2 + 1;
        assert!((in_use..=in_use + 1).contains(&made.load(Ordering::SeqCst)), "batch {at}: {made:?} chunks made");
    }
    assert_eq!(made.load(Ordering::SeqCst), 10);
}

/// Measures; `cargo test --release -p lab --lib memory_is_bounded -- --ignored --nocapture`.
#[test]
#[ignore = "writes 1.3 GB and measures"]
#[allow(clippy::print_stdout)]
fn memory_is_bounded_by_the_chunk() {
    const ROWS: usize = 2_400_000;
    const WIDTH: usize = 32;
    let (csv, path) = (place("large.csv"), place("large.parquet"));
    write_csv(&csv, ROWS, WIDTH);
    let held = most_held(|| csv_to_parquet(&csv, &path).expect("converted"));
    let size = |path: &PathBuf| std::fs::metadata(path).expect("a file").len() >> 20;
    println!("CSV of {} MB to Parquet of {} MB: {held} MB held", size(&csv), size(&path));
    let columns: Vec<String> = (0..WIDTH).map(|column| format!("c{column}")).collect();
    let make = move |chunk: &DataFrame| Samples::<WIDTH>::new(chunk, &columns, "y");
    let stream = Stream::new(scan(&path).expect("a scan"), 50_000, make).expect("a stream");
    let (start, mut rows) = (std::time::Instant::now(), 0);
    let held = most_held(|| {
        for batch in stream.batches::<256>(&crate::device::device(), 1).expect("batches") {
            rows += batch.expect("a batch").1.as_vec().len();
        }
    });
    let all = (ROWS * WIDTH * 4) >> 20;
    println!("{rows} rows ({all} MB as f32) in {:.1} s: {held} MB held", start.elapsed().as_secs_f64());
    std::fs::remove_dir_all(csv.parent().expect("a folder")).expect("removed");
    assert!(rows > ROWS - 256);
}

/// The most memory in MB that was held at once; pages of files that are mapped are not counted, since the system
/// takes them back when it needs room.
fn most_held(work: impl FnOnce()) -> usize {
    let done = AtomicBool::new(false);
    let held = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a figure");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / 1024
    };
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::SeqCst) {
                most = most.max(held());
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            most
        });
        work();
        done.store(true, Ordering::SeqCst);
        watch.join().expect("a figure")
    })
}

fn write_csv(path: &PathBuf, rows: usize, width: usize) {
    use std::io::Write;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    let names: Vec<String> = (0..width).map(|column| format!("c{column}")).collect();
    writeln!(file, "{},y", names.join(",")).expect("written");
    let mut state = 1_u64;
    for row in 0..rows {
        for _ in 0..width {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            write!(file, "0.{:07},", state >> 41).expect("written");
        }
        writeln!(file, "{row}").expect("written");
    }
}

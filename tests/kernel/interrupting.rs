//! The interrupt button against what cells do: each stops at once, and every variable is kept.
//! `cargo test --release --test kernel interrupting -- --nocapture` prints the table.

use std::time::{Duration, Instant};

use kernel::client::{ExecuteOptions, Kernel};

use crate::{check, start};

/// What cells of before defined; the name, the code that runs when the button is pressed, both ready to be pressed.
struct Row {
    name: &'static str,
    before: &'static str,
    code: &'static str,
}

const fn row(name: &'static str, before: &'static str, code: &'static str) -> Row {
    Row { name, before, code }
}

/// A machine that is busy takes longer to say so than to stop.
const AT_MOST: Duration = Duration::from_secs(3);

const LOOPS: &[Row] = &[
    row("`for`, sleeping", "", "for _ in 0..100_000 { std::thread::sleep(std::time::Duration::from_millis(10)); }"),
    row("`while`", "", "let mut n = 0u64; while n < u64::MAX { n = (n.wrapping_add(3) | 1) & 0xffff; } n"),
    row("`loop`", "", "loop {}"),
    row("`for` over numbers", "", "let mut s = 0u64; for i in 0..u64::MAX { s = s.wrapping_add(i); } s"),
    row("a closure over numbers", "", "(0..u64::MAX).map(|x| x ^ 3).fold(0, |a, b| a ^ b)"),
    row("`from_fn`", "", "let mut n = 0u64; std::iter::from_fn(|| { n = n.wrapping_add(1); Some(n) }).for_each(drop);"),
    row(
        "an iterator of one's own",
        "struct Up(u64); impl Iterator for Up { type Item = u64; fn next(&mut self) -> Option<u64> { self.0 = self.0.wrapping_add(1); Some(self.0) } }",
        "Up(0).fold(0u64, |a, b| a ^ b)",
    ),
    row("recursion", "fn fib(n: u64) -> u64 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }", "fib(60)"),
    row(
        "a method of an earlier cell",
        "struct Sim { t: f64 } impl Sim { fn run(&mut self) { loop { self.t += 1.0; if self.t < 0.0 { break; } } } }",
        "Sim { t: 0.0 }.run();",
    ),
    row(
        "a generic function",
        "fn spin<T: Copy>(x: T) -> T { let mut y = x; loop { y = std::hint::black_box(y); } }",
        "spin(3)",
    ),
    row(
        "a method added to a type",
        "let held = kept.len();",
        "trait Spin { fn spin(&self) { while self.on() {} } fn on(&self) -> bool { true } } impl Spin for i32 {} 5.spin();",
    ),
    row(
        "a caught panic",
        "",
        "loop { let _ = std::panic::catch_unwind(|| { let mut k = 1u64; while k > 0 { k |= 1; } }); }",
    ),
    row(
        "arithmetic",
        "let xs = vec![1.0_f64; 1_000_000];",
        "let mut s = 0.0; for k in 0..100_000 { for i in 0..xs.len() { s += xs[i] * k as f64; } } s",
    ),
    row("`.await`", "", "std::future::pending::<()>().await;"),
    row(
        "a macro's loop around a call",
        "macro_rules! forever { ($($it:tt)*) => { loop { $($it)* } } } fn step(n: &mut u64) { *n = n.wrapping_add(Vec::<u8>::new().len() as u64); }",
        "let mut n = 0; forever! { step(&mut n); }",
    ),
];

const WAITS: &[Row] = &[
    row("`sleep`", "", "std::thread::sleep(std::time::Duration::from_secs(60));"),
    row("`recv`", "", "let (tx, rx) = std::sync::mpsc::channel::<i32>(); let v = rx.recv(); drop(tx); v.is_ok()"),
    row(
        "`for` over messages",
        "",
        "let (tx, rx) = std::sync::mpsc::channel::<i32>(); for x in rx { println!(\"{x}\"); } drop(tx);",
    ),
    row(
        "a channel without room",
        "",
        "let (tx, rx) = std::sync::mpsc::sync_channel::<i32>(1); for i in 0..9 { tx.send(i)?; } drop(rx);",
    ),
    row(
        "a rendezvous",
        "",
        "let (tx, rx) = std::sync::mpsc::sync_channel::<i32>(0); let v = rx.recv(); drop(tx); v.is_ok()",
    ),
    row(
        "a mutex",
        "let m = std::sync::Arc::new(std::sync::Mutex::new(5)); let hog = m.clone(); std::thread::spawn(move || { let _g = hog.lock(); std::thread::sleep(std::time::Duration::from_secs(20)); });",
        "let v = *m.lock().unwrap(); v",
    ),
    row(
        "a lock of readers",
        "let rw = std::sync::Arc::new(std::sync::RwLock::new(5)); let hog = rw.clone(); std::thread::spawn(move || { let _g = hog.write(); std::thread::sleep(std::time::Duration::from_secs(20)); });",
        "let v = *rw.read().unwrap(); v",
    ),
    row(
        "a condition variable",
        "",
        "let pair = (std::sync::Mutex::new(false), std::sync::Condvar::new()); let mut g = pair.0.lock().unwrap(); while !*g { g = pair.1.wait(g).unwrap(); } drop(g);",
    ),
    row(
        "a program",
        "",
        "let mut c = std::process::Command::new(\"sleep\").arg(\"61\").spawn()?; let e = c.wait(); drop(e);",
    ),
    row("`output()`", "", "std::process::Command::new(\"sleep\").arg(\"62\").output()?.status.success()"),
    row("`status()`", "", "std::process::Command::new(\"sleep\").arg(\"63\").status()?.success()"),
    row(
        "a line of a pipe",
        "use std::io::{BufRead, Read};",
        "let mut c = std::process::Command::new(\"sleep\").arg(\"20\").stdout(std::process::Stdio::piped()).spawn()?; let mut s = String::new(); std::io::BufReader::new(c.stdout.take().unwrap()).read_line(&mut s)?;",
    ),
    row(
        "all of a pipe",
        "",
        "let mut c = std::process::Command::new(\"sleep\").arg(\"20\").stdout(std::process::Stdio::piped()).spawn()?; let mut s = String::new(); c.stdout.take().unwrap().read_to_string(&mut s)?;",
    ),
    row("a connection", "", "std::net::TcpListener::bind(\"127.0.0.1:0\")?.accept()?;"),
    row(
        "a thread that sleeps",
        "",
        "std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(15))).join().unwrap();",
    ),
    row(
        "a thread that computes",
        "",
        "std::thread::spawn(|| { let mut n = 0u64; loop { n = n.wrapping_add(1); } }).join().unwrap();",
    ),
    row(
        "threads of a scope",
        "",
        "let v = vec![1, 2]; std::thread::scope(|s| { s.spawn(|| { loop { std::thread::sleep(std::time::Duration::from_millis(v.len() as u64)); } }); });",
    ),
];

const LIBRARIES: &[Row] = &[
    row("`epochs`", "", "for _ in epochs(100_000) { std::thread::sleep(std::time::Duration::from_millis(20)); }"),
    row(
        "Polars",
        "let frame = df!(\"a\" => (0..10_000).collect::<Vec<i32>>())?;",
        "for _ in 0..1_000_000 { frame.clone().lazy().filter(col(\"a\").gt(lit(5))).collect()?; }",
    ),
    row(
        "products",
        "let dev = device_seeded(1); let a: Tensor<Rank2<256, 256>, f32, Dev> = dev.sample_normal();",
        "for _ in 0..10_000_000 { let _b = a.clone().matmul(a.clone()); }",
    ),
];

/// Presses the button once `ready` is printed; how long it took to idle, and the reply.
async fn interrupt(kernel: &Kernel, code: &str) -> (Duration, serde_json::Value, String) {
    let code = format!("println!(\"ready\");\n{code};\nstd::fs::write(\"went-on\", \"x\")?;");
    let mut execution = kernel.client().execute(&code, ExecuteOptions::default()).unwrap();
    let (mut pressed, mut printed) = (None, String::new());
    while let Some(event) = execution.next().await.unwrap() {
        printed.push_str(event.content["text"].as_str().unwrap_or_default());
        if pressed.is_none() && printed.contains("ready") {
            tokio::time::sleep(Duration::from_millis(300)).await;
            pressed = Some(Instant::now());
            kernel.client().interrupt().await.unwrap();
        }
    }
    (pressed.expect("a press").elapsed(), execution.reply().unwrap().clone(), printed)
}

async fn table(rows: &[Row]) {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, "let kept = vec![1.5_f64; 1000]; let mut used = vec![1];").await;
    let mut failures = Vec::new();
    for row in rows {
        check::execute(&kernel, row.before).await;
        let (took, reply, _) = interrupt(&kernel, &format!("used.push(2);\n{}", row.code)).await;
        let seen = check::execute(&kernel, "(kept.len(), used.len() > 1)").await;
        let kept = seen.result() == Some("(1000, true)");
        let at = if reply["ename"] == "Interrupted" { &reply["evalue"] } else { &reply };
        println!("{:<32} {:>5} ms   kept: {kept}   {at}", row.name, took.as_millis());
        if !kept || took > AT_MOST || reply["ename"] != "Interrupted" || folder.path().join("went-on").exists() {
            failures.push(row.name);
        }
    }
    kernel.shutdown().await;
    assert_eq!(failures, <[&str; 0]>::default());
}

#[tokio::test]
async fn loops_stop_and_keep_everything() {
    table(LOOPS).await;
}

#[tokio::test]
async fn waits_stop_and_keep_everything() {
    table(WAITS).await;
}

#[tokio::test]
async fn libraries_in_loops_stop_and_keep_everything() {
    table(LIBRARIES).await;
}

#[tokio::test]
async fn a_message_after_an_interrupted_wait_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, "let (tx, rx) = std::sync::mpsc::channel::<i32>();").await;
    for _ in 0..3 {
        let (_, reply, _) = interrupt(&kernel, "let got = rx.recv()?;").await;
        assert_eq!(reply["ename"], "Interrupted", "{reply}");
    }
    let code = "let late = tx.clone();
let sender = std::thread::spawn(move || for n in 0..3 { std::thread::sleep(std::time::Duration::from_millis(150)); late.send(n).unwrap(); });
let got: Vec<i32> = rx.iter().take(3).collect();
sender.join().unwrap();
got";
    assert_eq!(check::execute(&kernel, code).await.result(), Some("[0, 1, 2]"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn a_lock_that_was_held_is_not_poisoned() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, "let m = std::sync::Arc::new(std::sync::Mutex::new(1));").await;
    let (_, reply, _) = interrupt(&kernel, "let mut g = m.lock().unwrap();\nloop { *g += 1; *g -= 1; }").await;
    assert_eq!(reply["ename"], "Interrupted", "{reply}");
    assert_eq!(check::execute(&kernel, "m.lock().is_ok()").await.result(), Some("true"));
    kernel.shutdown().await;
}

#[tokio::test]
async fn the_message_says_at_which_line_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    let (_, reply, _) = interrupt(&kernel, "let a = 1;\nloop {}\nlet b = a;").await;
    assert_eq!(reply["evalue"], "the cell was stopped at line 3", "{reply}");
    let trace = reply["traceback"].to_string();
    assert!(trace.contains("loop {}") && !trace.contains("host"), "{trace}");
    kernel.shutdown().await;
}

#[tokio::test]
async fn presses_cost_nothing_until_the_note_says_what() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    check::execute(&kernel, "let kept = 7; unsafe extern \"C\" { fn usleep(n: u32) -> i32; }").await;
    // C waits here, and is called again at once; there is nothing to be unwound.
    let code =
        "println!(\"ready\"); extern \"C\" fn wait() { for _ in 0..130 { unsafe { usleep(100_000); } } } wait();";
    let mut execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    let mut notes = String::new();
    while let Some(event) = execution.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("ready")) {
            for _ in 0..4 {
                kernel.client().interrupt().await.unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        if event.content["name"] == "stderr" {
            notes.push_str(event.content["text"].as_str().unwrap_or_default());
        }
    }
    assert!(notes.contains("ends its process") && notes.contains("`kept`"), "{notes}");
    assert_eq!(execution.reply().unwrap()["ename"], "Interrupted");
    assert_eq!(check::execute(&kernel, "kept").await.result(), Some("7"));
    // The same again, and a press after the note.
    let mut execution = kernel.client().execute(code, ExecuteOptions::default()).unwrap();
    while let Some(event) = execution.next().await.unwrap() {
        if event.content["text"].as_str().is_some_and(|text| text.contains("ready") || text.contains("note: ")) {
            kernel.client().interrupt().await.unwrap();
        }
    }
    let reply = execution.reply().unwrap();
    assert!(reply["evalue"].as_str().unwrap().contains("variables lost: `kept`"), "{reply}");
    kernel.shutdown().await;
}

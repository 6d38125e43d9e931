//! What is run a second time as it is, is not compiled again.

use std::time::{Duration, Instant, SystemTime};

use crate::{check, start};

/// Far below what any compilation takes; a run takes a few milliseconds.
const NO_COMPILER: Duration = Duration::from_millis(60);

const CELLS: [&str; 13] = [
    "let b = a + NEW;",
    "b - NEW",
    "println!(\"{b} {}\", NEW);",
    "let mut v = vec![NEW]; v.push(b);",
    "let (x, y) = (NEW, String::from(\"y\")); let z = format!(\"{x} {y}\");",
    "let text = String::from(\"NEW\"); drop(text);",
    "let list = vec![a, NEW]; let first = &list[0]; println!(\"{first}\");",
    "fn f() -> i32 { NEW }\nlet c = f();",
    "use std::sync::atomic::{AtomicI32, Ordering};\nstatic TICKS: AtomicI32 = AtomicI32::new(NEW);\nlet ticks = TICKS.load(Ordering::SeqCst);",
    "struct P { x: i32 }\nimpl P { fn get(&self) -> i32 { self.x + NEW } }\nlet p = P { x: 1 };\np.get()",
    "trait Shape { fn area(&self) -> i32; }\nstruct Square(i32);\nimpl Shape for Square { fn area(&self) -> i32 { self.0 * NEW } }\nlet square: Box<dyn Shape> = Box::new(Square(2));\nsquare.area()",
    "let mut total = 0; for i in 0..10 { total += i % NEW; } total",
    "#[derive(Debug, Clone)]\nstruct Config { rate: f32 }\nlet config = Config { rate: NEW as f32 }; config",
];

#[tokio::test]
async fn a_second_run_compiles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = start(folder.path()).await;
    // A text that no earlier run of the test has compiled.
    let nonce = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() % 10_000_000;
    check::execute(&kernel, "let a = 1;").await;
    let mut slow = Vec::new();
    for cell in CELLS {
        let cell = cell.replace("NEW", &(nonce + 1).to_string());
        let first = check::execute(&kernel, &cell).await;
        let start = Instant::now();
        let second = check::execute(&kernel, &cell).await;
        let took = start.elapsed();
        assert_eq!((second.result(), second.error()), (first.result(), None), "{cell}");
        if took > NO_COMPILER {
            slow.push(format!("{took:?}: {cell}"));
        }
    }
    kernel.shutdown().await;
    assert!(slow.is_empty(), "compiled again:\n{}", slow.join("\n"));
}

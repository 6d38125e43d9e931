//! Programs made at random, each the same for its number, that must lead to the same bits whether they are compiled
//! without optimisation, with it, or have their functions replaced.

use std::fmt::Write;

use crate::{check, start_with};

/// How many programs are run; `ASSAY_PROGRAMS` says another number.
const PROGRAMS: usize = 50;
/// How many share a cell, and so crate and functions.
const IN_A_CELL: usize = 10;

/// What all programs use. No word of it is costly, so that the level is ours.
const COMMON: &str = r#"
use std::{cell::Cell, rc::Rc, panic::{catch_unwind, resume_unwind, AssertUnwindSafe}};
trait Go { fn go(&self, x: u64) -> u64; fn twice(&self, x: u64) -> u64 { self.go(self.go(x)) } }
fn mix(a: u64, b: u64) -> u64 { (a ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) }
fn each<G: Go>(all: &[G], x: u64) -> u64 { all.iter().map(|it| it.twice(x)).fold(x, mix) }
fn boxed(all: Vec<Box<dyn Go>>, x: u64) -> u64 { all.iter().fold(x, |x, it| it.twice(x)) }
fn apply<F: Fn(u64) -> u64>(f: F, times: usize, x: u64) -> u64 { (0..times).fold(x, |x, _| f(x)) }
struct Held<T: Go, const N: usize>([T; N]);
impl<T: Go, const N: usize> Go for Held<T, N> { fn go(&self, x: u64) -> u64 { each(&self.0, x).wrapping_add(N as u64) } }
fn fall<G: Go>(it: &G, depth: u32, x: u64, on_drop: &Cell<u64>) -> u64 {
    struct Guard<'a>(&'a Cell<u64>, u64);
    impl Drop for Guard<'_> { fn drop(&mut self) { self.0.set(mix(self.0.get(), self.1)); } }
    let guard = Guard(on_drop, x);
    if depth == 0 { resume_unwind(Box::new(it.go(x))) } else { fall(it, depth - 1, mix(x, guard.1), on_drop) + 1 }
}
macro_rules! made { ($field:ty, $value:expr, $x:ident => $go:expr) => {{
    struct S($field);
    impl Go for S { fn go(&self, $x: u64) -> u64 { let of = |s: &$field| format!("{s:?}").len() as u64; mix(of(&self.0), $go) } }
    S($value)
}} }
"#;

/// Fields of the local types, all of which have one name.
const FIELDS: [(&str, &str); 6] = [
    ("u8", "7"),
    ("(u64, u8)", "(3, 4)"),
    ("[u16; 5]", "[9; 5]"),
    ("String", "\"ab\".repeat(3)"),
    ("Vec<(f64, Option<u32>)>", "vec![(0.5, None), (1.5, Some(2))]"),
    ("Option<Box<u64>>", "Some(Box::new(11))"),
];

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn made(&mut self) -> String {
        let (ty, value) = FIELDS[self.below(FIELDS.len())];
        let (a, b) = (self.below(1000) + 1, self.below(60));
        let go =
            [format!("x.wrapping_mul({a}) + 1 >> {}", b % 8), format!("x ^ {a} << {}", b % 40), format!("x % {a}")];
        format!("made!({ty}, {value}, x => {})", go[self.below(3)])
    }

    fn block(&mut self, sees_addresses: bool) -> String {
        let (a, b, made) = (self.below(1000) + 1, self.below(7) + 1, self.made());
        let (ty, value) = FIELDS[self.below(FIELDS.len())];
        let other = self.made();
        match self.below(if sees_addresses { 13 } else { 9 }) {
            0 => format!("h = each(&[{made}], h); h = each(&[{other}], h);"),
            1 => format!("h = boxed(vec![Box::new({made}), Box::new({other})], h);"),
            2 => format!("h = each(&[Held([{made}]), ], h); h = Held::<_, 1>([{other}]).twice(h);"),
            3 => format!("let k = {a}; h = apply(|x| x.rotate_left({b}) ^ k, {b}, h); h = apply(move |x| mix(x, k), {b}, h);"),
            4 => format!("f += (1..{a}).map(|i| f64::from(i).sqrt() / {a}.7).sum::<f64>(); f *= 1.0 + f64::from({b}u8) / 3.0;"),
            5 => format!(
                "{{ struct S(Rc<Cell<u64>>, {ty}); impl Drop for S {{ fn drop(&mut self) {{ self.0.set(mix(self.0.get(), {a} + std::mem::size_of_val(&self.1) as u64)); }} }}
                 let c = Rc::new(Cell::new(h)); drop(vec![Some(S(c.clone(), {value})), None, Some(S(c.clone(), {value}))]); h = c.get(); }}"
            ),
            6 => format!(
                "h = std::thread::scope(|s| {{ let all: Vec<_> = (0..3u64).map(|i| s.spawn(move || each(&[{made}], mix(h, i)))).collect(); all.into_iter().map(|it| it.join().unwrap_or(0)).fold(h, mix) }});"
            ),
            7 => format!(
                "{{ let dropped = Cell::new(h); let it = {made}; let caught = catch_unwind(AssertUnwindSafe(|| fall(&it, {b}, h, &dropped)));
                 h = mix(dropped.get(), caught.err().and_then(|why| why.downcast::<u64>().ok()).map_or(1, |x| *x)); }}"
            ),
            8 => format!("{{ let all: Vec<Box<dyn Fn(u64) -> u64>> = vec![Box::new(|x| x ^ {a}), Box::new(move |x| mix(x, h))]; h = all.iter().fold(h, |x, f| f(x)); }}"),
            9 => format!("{{ static N: [u64; 3] = [{a}; 3]; let at = |x: &'static u64| x; h = mix(h, std::ptr::eq(at(&N[1]), &N[1]) as u64 + N[2]); }}"),
            10 => "{ let all: [fn(u64, u64) -> u64; 2] = [mix, |a, _| a]; h = mix(h, all.iter().filter(|it| **it == mix as fn(u64, u64) -> u64).count() as u64); }".to_owned(),
            11 => format!("{{ use std::sync::atomic::{{AtomicU64, Ordering}}; static N: AtomicU64 = AtomicU64::new({a}); h = mix(h, N.fetch_add(1, Ordering::Relaxed)); }}"),
            _ => "{ let a = std::task::Waker::noop(); h = mix(h, a.will_wake(&a.clone()) as u64); }".to_owned(),
        }
    }

    fn program(&mut self, number: usize, sees_addresses: bool) -> String {
        let mut text = format!("fn p{number}() -> (u64, u64) {{ let (mut h, mut f) = ({number}u64, 0.5f64);\n");
        for _ in 0..4 + self.below(5) {
            let _ = writeln!(text, "{}", self.block(sees_addresses));
        }
        text + "f += 0.25; (h, f.to_bits()) }\n"
    }
}

/// A cell with some programs, each of which is run twice; every fifth may see addresses.
fn cell(first: usize) -> String {
    let numbers = first..first + IN_A_CELL;
    let programs: String = numbers.clone().map(|n| Random(n as u64).program(n, first / IN_A_CELL % 5 == 4)).collect();
    let calls: String = numbers.map(|n| format!("println!(\"{n} {{:x?}} {{:x?}}\", p{n}(), p{n}());\n")).collect();
    format!("{COMMON}{programs}{calls}")
}

#[tokio::test]
async fn programs_lead_to_the_same_bits_at_each_level_and_swapped() {
    let folder = tempfile::tempdir().unwrap();
    let plain = start_with(folder.path(), "cpu", &[("ASSAY_SWAP", "off")]).await;
    let force = start_with(folder.path(), "cpu", &[("ASSAY_SWAP", "force")]).await;
    let mixed = start_with(folder.path(), "cpu", &[("ASSAY_SWAP", "mix")]).await;
    let count = std::env::var("ASSAY_PROGRAMS").map_or(PROGRAMS, |number| number.parse().unwrap());
    for first in (0..count).step_by(IN_A_CELL) {
        let code = cell(first);
        let (at_0, at_3) = (format!("// opt: 0\n{code}"), format!("// opt: 3\n{code}"));
        let expected = check::execute(&plain, &at_0).await;
        assert_eq!(expected.stdout().lines().count(), IN_A_CELL, "{expected:?}\n{code}");
        for (kernel, code) in [(&plain, &at_3), (&force, &code), (&mixed, &code)] {
            // Statics live on in a session, whatever level their functions are compiled at again.
            check::execute(kernel, ":restart").await;
            let seen = check::execute(kernel, code).await;
            assert_eq!(seen.stdout(), expected.stdout(), "{seen:?}\n{code}");
        }
        if count > PROGRAMS {
            eprintln!("{} programs", first + IN_A_CELL);
        }
        check::execute(&plain, ":restart").await;
    }
    for kernel in [plain, force, mixed] {
        kernel.shutdown().await;
    }
}

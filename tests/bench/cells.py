"""The cells, the same text for every kernel. assay keeps what it compiled, by content: so each repetition has a
number in it that no cell ever had, unless the row is about cells that were compiled before."""

from __future__ import annotations

import random
from pathlib import Path

from client import Spec

LOOP = Path(__file__).parent / "step" / "src" / "loop.rs"

# What a notebook's first cell says. assay has `use lab::prelude::*` in every cell.
IMPORTS = {
    "assay": "use dfdx::optim::{Adam, Optimizer};",
    "evcxr": """\
:dep dfdx = "=0.13.0"
:dep polars = { version = "=0.55.2", features = ["lazy", "csv", "parquet"] }
use polars::prelude::*;
use dfdx::prelude::*;
use dfdx::optim::{Adam, Optimizer};""",
}

# What the model is trained on.
DATA = """\
let x: Tensor<Rank2<128, 784>, f32, Cpu> = dev.sample_normal();
let y: Tensor<Rank2<128, 10>, f32, Cpu> = dev.sample_uniform();"""

# A model and a frame are alive while everything else is measured.
SETUP = [
    "let a = 1;",
    "fn twice(x: i32) -> i32 { x * 2 }",
    "type Mlp = (Linear<784, 128>, ReLU, Linear<128, 10>);",
    "let dev = Cpu::seed_from_u64(0);",
    DATA,
    "let mut model = dev.build_module::<Mlp, f32>();",
    """let frame = df!("a" => [1, 2, 3], "b" => [1.0, 2.0, 3.0]).unwrap();""",
]

_used: set[int] = set()
_random = random.SystemRandom()


def fresh() -> int:
    """A number that no cell of this run has, and hardly any of an earlier one."""
    number = _random.randrange(100_000_000, 1_000_000_000)
    while number in _used:
        number = _random.randrange(100_000_000, 1_000_000_000)
    _used.add(number)
    return number


def imports(spec: Spec) -> str:
    return IMPORTS[spec.who]


def expression() -> str:
    return f"a + {fresh()}"


def trivial() -> str:
    return f"let b = a + {fresh()};"


def print_line() -> str:
    return f'println!("{{}} {fresh()}", a);'


def call() -> str:
    return f"twice({fresh()})"


def printing() -> str:
    """Says at once that it runs; then what every other trivial cell does."""
    number = fresh()
    return f'println!("runs {number}");\nlet b = a + {number};'


def type_error() -> str:
    return f'let c: i32 = "no {fresh()}";'


def borrow_error() -> str:
    return f'let moved = vec![a, {fresh()}];\nlet other = moved;\nprintln!("{{}}", moved.len());'


def shape_error() -> str:
    return f"let wide: Tensor<Rank2<{fresh()}, 783>, f32, Cpu> = dev.zeros();\nlet scores = model.forward(wide);"


def query() -> str:
    return (
        f'let made = df!("a" => [1, 2, {fresh()}], "b" => [1.0, 2.0, 3.0]).unwrap();\n'
        'let found = made.clone().lazy().filter(col("a").gt(lit(1))).collect().unwrap();\n'
        'println!("{found}");'
    )


def training(steps: int, who: str) -> str:
    """The loop of `step/src/loop.rs` at the cell's top level, as a person writes it.

    The peer makes the data in the same cell. Each of its cells has a dfdx of its own, and with it a counter that
    numbers tensors from 0: the gradients of tensors of an earlier cell and of this one get mixed up, and it panics.
    """
    lines = LOOP.read_text().splitlines()
    # Without the block around it and the block's value.
    body = "\n".join(line.removeprefix("    ") for line in lines[1:-2])
    body = body.replace('"first step"', f'"first step {fresh()}"')
    data = f"{DATA}\n" if who == "evcxr" else ""
    return f"{data}let steps: usize = {steps};\n{body}"


# Prints what the training cell measured; a cell of its own, so that the training cell holds nothing else.
STEP_TIMES = 'println!("{times:?}");'


def lines(count: int) -> str:
    """Prints `count` different lines of 100 bytes."""
    return f'for i in {(base := fresh())}u64..{base + count} {{ println!("{{i:0>99}}"); }}'


def expected_lines(cell: str) -> str:
    first, last = (int(number.removesuffix("u64")) for number in cell.split()[3].split(".."))
    return "".join(f"{i:0>99}\n" for i in range(first, last))


def notebook(count: int) -> list[str]:
    """A notebook of mixed cells. Those around the 5th and the last are of one trivial kind, to be compared."""
    measured = {4, 5, 6, count - 2, count - 1, count}
    made: list[str] = []
    for position in range(1, count + 1):
        number = fresh()
        kinds = [
            f"let v{position} = vec![a, {number}];",
            f"fn f{position}(x: i32) -> i32 {{ x.wrapping_mul({number}) }}",
            f"#[derive(Debug, Clone)]\nstruct S{position} {{ value: i32, name: String }}",
            f'let s{position} = S{position - 1} {{ value: {number}, name: "s".to_string() }};',
            f'let t{position} = df!("a" => [1, {number}]).unwrap();',
            f"f{position - 4}(a)",
        ]
        made.append(trivial() if position in measured or position == 1 else kinds[(position - 2) % 6])
    return made

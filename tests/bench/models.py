"""The models of lab.py: the cells that train them, the rows that they fill, and for how long they run.
with_keras.py has the same models in Keras."""

from __future__ import annotations

from dataclasses import dataclass

from cells import fresh
from rows import Row

# Who stands beside assay in the table.
PEER = "TensorFlow"

# Trains until the time is up, as a notebook would, and keeps of each step how long forward, backward and the
# optimizer took.
LOOP = """\
let mut model = dev.build_module::<Model, f32>();
let mut gradients = model.alloc_grads();
let mut adam = Adam::new(0.001);
let mut times: Vec<[f64; 3]> = Vec::new();
let began = std::time::Instant::now();
for (x, y) in batches.iter().cycle() {{
    let start = std::time::Instant::now();
    let loss = {loss};
    let forward = start.elapsed().as_secs_f64();
    gradients = loss.backward();
    let backward = start.elapsed().as_secs_f64();
    {update}model.zero_grads(&mut gradients);
    times.push([forward, backward - forward, start.elapsed().as_secs_f64() - backward]);
    if times.len() == 1 {{
        println!("first step {number}");
    }}
    if began.elapsed().as_secs_f64() > {seconds} {{
        break;
    }}
}}"""

# A cell of its own after it.
PARAMETERS = 'println!("{}", summary(&model).trained());'

CROSS_ENTROPY = "cross_entropy(model.forward(x.trace(gradients)), y)?"
ADAM = "adam.update(&mut model, &gradients)?;\n    "


@dataclass(frozen=True)
class Model:
    """`model`, `data`: the type and the batches of earlier cells. `step`, `fit`: the largest multiples of a step in a
    `tf.function` and of one in `fit`. `seconds`: how long the cell runs, long enough for its optimised code to be
    there; `last`: of these, those at the end that count."""

    key: str
    label: str
    model: str
    data: str
    step: float
    seconds: float
    last: float
    fit: float | None = None
    loss: str = CROSS_ENTROPY
    update: str = ADAM

    def setup(self) -> list[str]:
        return ["let dev = device();", f"type Model = {self.model};", f"let batches: {self.data};"]

    def training(self) -> str:
        return LOOP.format(loss=self.loss, update=self.update, number=fresh(), seconds=self.seconds)

    def rows(self) -> list[Row]:
        key, group = self.key, self.key
        rows = [Row(key, self.label, "ms", peer=self.step, beside=PEER, group=group)]
        rows += self.beside_fit()
        rows.append(Row(f"{key}_forward", "of it, the model and the loss", "ms", group=group))
        rows.append(Row(f"{key}_backward", "of it, the gradients", "ms", group=group))
        if self.update:
            rows.append(Row(f"{key}_update", "of it, the optimizer", "ms", group=group))
        rows.append(Row(f"{key}_first_step", "its cell: sent to the first step", at_most=1.0, group=group))
        return rows

    def beside_fit(self) -> list[Row]:
        """The rows in which the same step stands beside those of Keras' own loop."""
        if self.fit is None:
            return []
        return [
            Row(f"{self.key}_fit", "the same beside a call of `fit`", "ms", peer=self.fit, beside=PEER, group=self.key),
            Row(f"{self.key}_epoch", "the same beside an epoch of a long `fit`", "ms", group=self.key),
        ]


MODELS = [
    Model(
        key="mlp",
        label="MLP 784-128-10, 128 rows, Adam: a step",
        model="(Linear<784, 128>, ReLU, Linear<128, 10>)",
        data="""\
Vec<(Tensor<Rank2<128, 784>, f32, Dev>, Vec<usize>)> =
    (0..100).map(|i| (dev.sample_normal(), (0..128).map(|row| (i + row) % 10).collect())).collect()""",
        step=0.8,
        fit=0.4,
        seconds=10.0,
        last=3.0,
    ),
    Model(
        key="conv",
        label="Conv 1 to 8, 3 x 3, on 64 x 28 x 28: forward and backward",
        model="Conv2D<1, 8, 3, 28, 28, 1, 1>",
        data="Vec<(Tensor<Rank4<64, 1, 28, 28>, f32, Dev>, ())> = vec![(dev.sample_normal(), ())]",
        loss="model.forward(x.trace(gradients)).square().mean::<Rank0, _>()",
        update="",
        step=1.5,
        seconds=10.0,
        last=3.0,
    ),
    Model(
        key="transformer",
        label="Transformer 256 x 64, 2 layers, 16 x 32 tokens, Adam: a step",
        model="""\
(
    Embedding<256, 64>,
    LearnedPositions<32, 64>,
    Repeated<CausalTransformerBlock<64, 4, 256, true>, 2>,
    LayerNorm<64>,
    Linear<64, 256>,
)""",
        data="""\
Vec<(Tensor<Rank2<16, 32>, usize, Dev>, Vec<usize>)> = (0..32)
    .map(|i| {
        let tokens: Vec<usize> = (0..16 * 33).map(|at| (at * at * 7 + at * 31 + i * 131) % 256).collect();
        let part = |from: usize| tokens.chunks(33).flat_map(|row| row[from..from + 32].to_vec()).collect::<Vec<_>>();
        (dev.tensor_from_vec(part(0), (Const, Const)), part(1))
    })
    .collect()""",
        step=1.5,
        seconds=20.0,
        last=6.0,
    ),
]

ROWS = [row for model in MODELS for row in model.rows()]

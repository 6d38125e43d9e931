"""PyTorch's figures beside ours, on the same GPU in one sitting: python3 peer.py speed.txt

PyTorch is eager. fp32 and tf32 are its own switches, bf16 is autocast to that type; products in bf16 are of tensors of
that type, while ours are of f32 tensors that are rounded on the way. Without a GPU it runs on the processor, which only
shows that it runs."""

import contextlib
import json
import math
import subprocess
import sys
import time

import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SIMULATED = DEVICE == "cpu"


def synchronize():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def seconds(work):
    """Seconds of one call: as many as a second takes, after a few to warm up."""
    for _ in range(3):
        work()
    synchronize()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < 1.0:
        for _ in range(1 if SIMULATED else 10):
            work()
            count += 1
        synchronize()
    return (time.perf_counter() - start) / count


def at(precision):
    """Sets the switches, and gives what a step runs in."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    return torch.autocast(DEVICE, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def product(size, precision):
    """TFLOP/s of a square product."""
    at(precision)
    a = torch.rand(size, size, device=DEVICE, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    return 2 * size**3 / seconds(lambda: a @ a) / 1e12


def step_seconds(model, x, y, precision):
    """Seconds of a step of training with Adam."""
    context = at(precision)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        with context:
            loss = torch.nn.functional.cross_entropy(model(x).flatten(0, -2), y.flatten())
        loss.backward()
        optimizer.step()

    return seconds(step)


def mlp_step(precision):
    """Milliseconds of a step of 784-128-10, 64 pictures at a time."""
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).to(DEVICE)
    x, y = torch.rand(64, 784, device=DEVICE), torch.arange(64, device=DEVICE) % 10
    return step_seconds(model, x, y, precision) * 1e3


class Article(torch.nn.Module):
    """The Transformer of notebooks/04-text-generation.ipynb at the article's shape."""

    def __init__(self, vocabulary, width, heads, layers, context):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, width)
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        angle = torch.arange(context)[:, None] * rate
        self.register_buffer("positions", torch.stack([angle.sin(), angle.cos()], -1).flatten(1))
        self.register_buffer("mask", torch.nn.Transformer.generate_square_subsequent_mask(context))
        block = lambda: torch.nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, batch_first=True)
        self.blocks = torch.nn.ModuleList(block() for _ in range(layers))
        self.head = torch.nn.Linear(width, vocabulary)

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions
        for block in self.blocks:
            x = block(x, src_mask=self.mask, is_causal=True)
        return self.head(x)


def tokens_per_second(shape, precision):
    batch, context, vocabulary = shape["batch"], shape["context"], shape["vocabulary"]
    model = Article(vocabulary, shape["width"], shape["heads"], shape["layers"], context).to(DEVICE)
    x = torch.arange(batch * context, device=DEVICE).view(batch, context) * 7919 % vocabulary
    return batch * context / step_seconds(model, x, (x * 31 + 7) % vocabulary, precision)


def first_product():
    """Seconds of the first layer of a new process, without the import."""
    code = f"""
import time, torch
start = time.perf_counter()
layer = torch.nn.Linear(64, 64).to("{DEVICE}")
layer(torch.ones(64, 64, device="{DEVICE}")).cpu()
print(time.perf_counter() - start)"""
    run = lambda: float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    return [run(), run()][1]


def row(name, ours, theirs, goal, met, digits=2):
    ratio = f"{ours / theirs:.2f}"
    print(f"| {name} | {ours:.{digits}f} | {theirs:.{digits}f} | {ratio} | {goal} | {'yes' if met else 'no'} |")


def main():
    lines = [line for line in open(sys.argv[1]) if line.startswith("{")]
    ours = json.loads(lines[-1])
    where = torch.cuda.get_device_name() if DEVICE == "cuda" else "the processor, so the ratios say nothing"
    print(f"assay on {ours['device']}; PyTorch {torch.__version__} eager on {where}\n")
    print("| | assay | PyTorch | ratio | goal | met |\n|---|---|---|---|---|---|")
    for name, speed in ours["products_tflops"].items():
        size, precision = name.split()
        theirs = product(int(size), precision)
        row(f"product of {size}, {precision}, TFLOP/s", speed, theirs, "0.95 or more", speed >= 0.95 * theirs)
    shape = ours["transformer"]
    for precision, speed in ours["transformer_tokens_per_second"].items():
        theirs = tokens_per_second(shape, precision)
        row(f"Transformer, {precision}, tokens/s", speed, theirs, "1.0 or more", speed >= theirs, 0)
    for precision, milliseconds in ours["mlp_step_ms"].items():
        theirs = mlp_step(precision)
        row(f"MLP step, {precision}, ms", milliseconds, theirs, "1.5 or less", milliseconds <= 1.5 * theirs, 3)
    first = ours["first_product_seconds"]
    row("first product of a process, kernels compiled, s", first, first_product(), "1.5 s or less", first <= 1.5)
    print("\nThe Transformer: " + ", ".join(f"{name} {size}" for name, size in shape.items()) + ". What a step asks for:\n")
    print("| | " + " | ".join(ours["per_mlp_step"]) + " |\n|---|" + "---|" * len(ours["per_mlp_step"]))
    for name, counts in (("MLP", ours["per_mlp_step"]), ("Transformer", ours["per_transformer_step"])):
        print(f"| {name} | " + " | ".join(str(count) for count in counts.values()) + " |")


main()

"""PyTorch's figures beside ours, on the same GPU in one sitting: python3 peer.py checks.txt"""

import json
import sys
import time

import torch


def seconds(work, least=1.0):
    """Seconds of one call: as many as a second takes, after a few to warm up."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < least:
        for _ in range(10):
            work()
        torch.cuda.synchronize()
        count += 10
    return (time.perf_counter() - start) / count


def product(size, precision):
    """TFLOP/s of a square product of f32 tensors; bf16 as PyTorch has it, with tensors of that type."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.rand(size, size, device="cuda", dtype=kind)
    return 2 * size**3 / seconds(lambda: a @ a) / 1e12


def mlp_step():
    """Seconds of a training step of 784-128-10 with Adam at batch 64, eager."""
    torch.backends.cuda.matmul.allow_tf32 = True
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).cuda()
    x, y = torch.rand(64, 784, device="cuda"), torch.rand(64, 10, device="cuda")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return seconds(step)


def main():
    lines = [line for line in open(sys.argv[1]) if line.startswith("{")]
    ours = json.loads(lines[-1])
    print(f"{ours['gpu']}, {ours['driver']}, PyTorch {torch.__version__}\n")
    print("| | assay | PyTorch eager | ratio |\n|---|---|---|---|")
    for name, speed in ours["products_tflops"].items():
        size, precision = name.split()
        theirs = product(int(size), precision)
        print(f"| product {name}, TFLOP/s | {speed:.1f} | {theirs:.1f} | {speed / theirs:.2f} |")
    theirs = mlp_step() * 1e3
    mine = ours["mlp_step_ms"]
    print(f"| MLP step, ms | {mine:.3f} | {theirs:.3f} | {mine / theirs:.2f} |")
    print("\nOf one MLP step: " + ", ".join(f"{count:g} {name}" for name, count in ours["per_mlp_step"].items()))


main()

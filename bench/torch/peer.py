"""PyTorch eager as the peer of a bench: the same work on the same weights and inputs, one request a line.

Reads {"do": ...} lines, answers {"ms": ..., "values": [...]} lines. Models come from models/sample through the
published libraries (diffusers), float32.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file

FOLDER, INPUTS, THREADS = sys.argv[1:4]
torch.set_num_threads(int(THREADS))


def load(train):
    model = UNet2DConditionModel.from_pretrained(f"{FOLDER}/unet")
    return model.train() if train else model.eval().requires_grad_(False)


inputs = load_file(INPUTS)
reference, policy = load(False), load(True)
optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-5, weight_decay=0.01)
scheduler = DDIMScheduler.from_pretrained(f"{FOLDER}/scheduler")


def train_step():
    """One diffusion-dpo step: reference forward, policy forward and backward, clip, AdamW."""
    x, target = inputs["x"], inputs["target"]
    pairs = len(x) // 2
    # Winner and loser of a pair share timestep and prompt.
    t, context = inputs["t"][:pairs].repeat(2), inputs["context"][:pairs].repeat(2, 1, 1)

    def errors(output):
        return (output.sample - target).square().mean((1, 2, 3)).chunk(2)

    with torch.no_grad():
        ref_winner, ref_loser = errors(reference(x, t, context))
    winner, loser = errors(policy(x, t, context))
    loss = -F.logsigmoid(-0.5 * 2000 * ((winner - ref_winner) - (loser - ref_loser))).mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return [loss.item(), norm.item()]


@torch.no_grad()
def sample(steps=20, guidance=3.0):
    x, context, empty = inputs["noise"], inputs["context"], inputs["empty"]
    both = torch.cat([empty.expand_as(context), context])
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        without, prompted = reference(torch.cat([x, x]), t, both).sample.chunk(2)
        x = scheduler.step(without + guidance * (prompted - without), t, x).prev_sample
    return x.permute(0, 2, 3, 1).flatten().tolist()


work = {"train-step": train_step, "sampling": sample}
print(json.dumps({"ready": torch.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)["do"]
    started = time.perf_counter()
    values = work[request]()
    print(json.dumps({"ms": 1000 * (time.perf_counter() - started), "values": values}), flush=True)

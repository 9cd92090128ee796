"""PyTorch eager with diffusers' UNet as the peer of bench/sd-step.ts; speaks as peer.py does.

Channels-last torch tensors are not used: diffusers' pipelines don't either.
"""
import json
import sys
import time

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file

FOLDER, INPUTS, THREADS = sys.argv[1:4]
torch.set_num_threads(int(THREADS))

inputs = load_file(INPUTS)
model = UNet2DConditionModel.from_pretrained(FOLDER).eval().requires_grad_(False)
policy = UNet2DConditionModel.from_pretrained(FOLDER).train()
optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-5, weight_decay=0.01)
added = {name: inputs[name] for name in ("text_embeds", "time_ids") if name in inputs}


def predict(network):
    return network(inputs["x"], inputs["t"], inputs["states"], added_cond_kwargs=added).sample


@torch.no_grad()
def forward():
    return predict(model).permute(0, 2, 3, 1).flatten().tolist()


def train():
    loss = (predict(policy) - inputs["target"]).square().mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return [loss.item(), norm.item()]


work = {"forward": forward, "train": train}
print(json.dumps({"ready": torch.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)["do"]
    started = time.perf_counter()
    values = work[request]()
    print(json.dumps({"ms": 1000 * (time.perf_counter() - started), "values": values}), flush=True)

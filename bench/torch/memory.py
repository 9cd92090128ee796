"""The peer of memory.ts: diffusers loads the same networks and samples the same way."""
import json
import re
import sys

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

STEPS, GUIDANCE, TOKENS = 2, 3.0, 77
folder = sys.argv[1]


def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1000


unet = UNet2DConditionModel.from_pretrained(f"{folder}/unet").eval()
vae = AutoencoderKL.from_pretrained(f"{folder}/vae").eval()
loaded = peak()
with open(f"{folder}/scheduler.json") as file:
    scheduler = DDIMScheduler.from_config(json.load(file))
with torch.no_grad():
    states = torch.randn(2, TOKENS, unet.config.cross_attention_dim)
    x = torch.randn(1, 4, unet.config.sample_size, unet.config.sample_size)
    scheduler.set_timesteps(STEPS)
    for t in scheduler.timesteps:
        without, prompted = unet(torch.cat([x, x]), t, states).sample.chunk(2)
        x = scheduler.step(without + GUIDANCE * (prompted - without), t, x).prev_sample
    vae.decode(x / vae.config.scaling_factor)
print(json.dumps({"loaded": loaded, "sampled": peak()}))

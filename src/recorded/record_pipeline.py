"""Records what diffusers makes of a Stable Diffusion 1.5 or SDXL folder, for `diptych models check FOLDER --case CASE`.

    python record_pipeline.py FOLDER CASE [--prompt TEXT] [--steps N] [--guidance SCALE] [--seed N]

Needs torch, diffusers, transformers and safetensors. Everything is computed in float32 on the CPU. Two computations of
the same sampling differ in their last bits, and more so after more steps: the tolerance is 1e-3 of the largest value of
each output (1e-4 relative besides).
"""

import argparse
import json
import pathlib

import diffusers
import torch
from safetensors.torch import save_file

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("case")
parser.add_argument("--prompt", default="a red cube left of a blue sphere")
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--guidance", type=float, default=5.0)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

pipe = diffusers.DiffusionPipeline.from_pretrained(args.folder, torch_dtype=torch.float32, safety_checker=None)
pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config)
pipe.set_progress_bar_config(disable=True)
xl = hasattr(pipe, "text_encoder_2")
side = pipe.unet.config.sample_size
generator = torch.Generator().manual_seed(args.seed)
latents = torch.randn(1, pipe.unet.config.in_channels, side, side, generator=generator)
outputs, states = {}, []

for name in ["tokenizer", "tokenizer_2"] if xl else ["tokenizer"]:
    tokenizer = getattr(pipe, name)
    encoded = tokenizer(args.prompt, padding="max_length", truncation=True, max_length=tokenizer.model_max_length)
    outputs[f"ids.{name}"] = torch.tensor(encoded.input_ids)


def keep(_pipe, _step, _timestep, values):
    states.append(values["latents"].clone())
    return values


with torch.no_grad():
    encoded = pipe.encode_prompt(
        prompt=args.prompt, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True
    )
    names = ["prompt_embeds", "negative_prompt_embeds", "pooled", "negative_pooled"]
    outputs.update({name: value for name, value in zip(names, encoded) if value is not None})
    final = pipe(
        args.prompt,
        latents=latents,
        num_inference_steps=args.steps,
        guidance_scale=args.guidance,
        output_type="latent",
        callback_on_step_end=keep,
        callback_on_step_end_tensor_inputs=["latents"],
    ).images
    decoded = pipe.vae.decode(final / pipe.vae.config.scaling_factor).sample
outputs.update(
    timesteps=pipe.scheduler.timesteps,
    states=torch.stack(states),
    latents=final,
    decoded=decoded,
    image=(decoded / 2 + 0.5).clamp(0, 1),
)

case = pathlib.Path(args.case)
case.mkdir(parents=True, exist_ok=True)
tensors = {"in.latents": latents, **{f"out.{name}": value for name, value in outputs.items()}}
save_file({name: value.contiguous() for name, value in tensors.items()}, case / "io.safetensors")
largest = {name: float(value.abs().max()) for name, value in outputs.items() if value.is_floating_point()}
description = {
    "component": f"Stable Diffusion{' XL' if xl else ''}, end to end",
    "source": f"diffusers {diffusers.__version__} {type(pipe).__name__}",
    "tolerance": {"atol": 1e-3, "rtol": 1e-4},
    "outputs": {name: {"atol": 1e-3 * value} for name, value in largest.items()},
    "prompt": args.prompt,
    "steps": args.steps,
    "guidance_scale": args.guidance,
    "height": side * pipe.vae_scale_factor,
}
(case / "case.json").write_text(json.dumps(description, indent=1) + "\n")
print(f"recorded {len(outputs)} outputs in {case}")

"""Records what the training steps of InPO, SmPO and Diffusion-KTO make of this folder's inputs, by the releases' own lines.

    python record.py INPO/train.py SMPO/train.py DIFFUSION_KTO/train_kto_sd_v1.5.py SCHEDULING_DDIM_INVERSE.py

Clones of JaydenLyh/InPO, JaydenLyh/SmPO and jacklishufan/diffusion-kto; the last file is that of diffusers 0.20.0, which
the first two ask for: later ones invert otherwise (case.json tells). Everything else runs on the installed torch and
diffusers. What a step draws at random is given; states, targets and losses come out of the releases' lines.
"""

import importlib.util
import json
import pathlib
import sys
import textwrap
import types

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent
BETA = 2000
GRAD_PARAMS = [
    "conv_in.weight",
    "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
    "mid_block.resnets.0.norm1.weight",
    "conv_out.weight",
]
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
# The same rewards for both pairs: SmPO's release takes the first one's label for the whole batch.
REWARDS = {"winner": 0.23, "loser": 0.19, "least": 0.11543526500463486, "greatest": 0.28201571106910706}
RUNS = {
    "inpo.t201": {"objective": "inpo", "grid": 10, "t": 201},
    "inpo.t501": {"objective": "inpo", "grid": 10, "t": 501},
    "smpo.t201": {"objective": "smpo", "grid": 5, "t": 201},
    "smpo.t601": {"objective": "smpo", "grid": 5, "t": 601},
}
KTO = {"beta": 100, "timesteps": [201, 501, 201, 501], "labels": [1, 1, 0, 0]}


def lines_between(file, first, end):
    """The lines of a file from the one that begins with `first` to the one before that which begins with `end`."""
    lines = pathlib.Path(file).read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
    stop = next(i for i in range(begin, len(lines)) if lines[i].strip().startswith(end))
    return compile(textwrap.dedent("\n".join(lines[begin:stop])), str(file), "exec")


def old_inverse_scheduler(file):
    # Under the package's name, for the file imports its neighbours.
    name = "diffusers.schedulers.old_ddim_inverse"
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.DDIMInverseScheduler


class Drawn:
    """torch, but for what a step draws at random."""

    def __init__(self, t, noises):
        self.t, self.noises = t, iter(noises)

    def __getattr__(self, name):
        return getattr(torch, name)

    def randint(self, _low, _high, shape, device):
        return torch.full(shape, self.t, device=device)

    def randn_like(self, x, dtype):
        return next(self.noises).to(dtype)


def models(dtype):
    folders = ["../objectives/model", "../unet-sd15/model"]
    return [UNet2DConditionModel.from_pretrained(HERE / folder, torch_dtype=dtype) for folder in folders]


def results(name, policy, space):
    space["loss"].backward()
    grads = {key: value.grad for key, value in policy.named_parameters()}
    return {
        f"{name}.loss": space["loss"].reshape(1),
        f"{name}.grad_norm": torch.stack([grad.norm() for grad in grads.values()]).norm().reshape(1),
        **{f"{name}.grad.{key}": grads[key] for key in GRAD_PARAMS},
    }


def record_probability():
    examples = {"ps_label_0": [1], "ps_score_0": [[REWARDS["winner"]]], "ps_score_1": [[REWARDS["loser"]]]}
    exec(lines_between(sources["smpo"], "score_0 = examples", "return examples"), {"torch": torch, "examples": examples})
    return examples["probs"][0].reshape(1)


def record_inverted(name, given, probability, dtype):
    policy, reference = models(dtype)
    objective, grid, t = RUNS[name].values()
    inverse = InverseScheduler(**SCHEDULER)
    inverse.set_timesteps(grid)
    method = {"inpo": "ddiminpo", "smpo": "smpo"}[objective]
    space = {
        "torch": Drawn(t, given["noise"]),
        "F": torch.nn.functional,
        "args": types.SimpleNamespace(sdxl=False, train_method=method, beta_dpo=BETA),
        "latents": torch.cat([given["latents_w"], given["latents_l"]]),
        "weight_dtype": dtype,
        "noise_scheduler": DDIMScheduler(**SCHEDULER),
        "inverse_scheduler": inverse,
        "text_encoder": lambda states: (states,),
        "batch": {"input_ids": given["cond"], "probs": probability},
        "unet": policy,
        "ref_unet": reference,
    }
    exec(lines_between(sources[objective], "bsz = latents", "avg_loss = "), space)
    return {
        f"{name}.states": space["noisy_latents"],
        f"{name}.noise": space["noise"],
        f"{name}.inside": space["inside_term"],
        **results(name, policy, space),
    }


def record_kto(given, dtype):
    policy, reference = models(dtype)
    noise, t = given["noise"][0], torch.tensor(KTO["timesteps"])
    images = torch.cat([given["latents_w"], given["latents_l"]])
    states = DDIMScheduler(**SCHEDULER).add_noise(images, noise, t)
    predicted, expected = (model(states, t, given["cond"].repeat(2, 1, 1)).sample for model in [policy, reference])
    space = {
        "torch": torch,
        "args": types.SimpleNamespace(
            beta_dpo=KTO["beta"], bce_offset="none", halo="sigmoid", lambda_d_kto=1.0, lambda_u_kto=1.0
        ),
        "accelerator": types.SimpleNamespace(reduce=lambda value, reduction: value),
        "batch": {"labels": torch.tensor(KTO["labels"])},
        "model_losses": (predicted - noise).square().mean(dim=[1, 2, 3]),
        "ref_loss": (expected - noise).square().mean(dim=[1, 2, 3]).detach(),
    }
    exec(lines_between(sources["kto"], "policy_KL_logps =", "acc = "), space)
    # At 0 the clamp would hide it.
    assert space["kl"] > 0
    space["loss"] = space["l_kto"].mean()
    return {"kto.kl": space["kl"].reshape(1), **results("kto", policy, space)}


def record(dtype):
    given = {name.removeprefix("in."): value.to(dtype) for name, value in inputs.items()}
    outputs = {"probability": record_probability()}
    for name in RUNS:
        outputs |= record_inverted(name, given, outputs["probability"], dtype)
    outputs |= record_kto(given, dtype)
    return {key: value.detach().to(torch.float64) for key, value in outputs.items()}


inputs = {name: value for name, value in load_file(HERE / "io.safetensors").items() if name.startswith("in.")}
torch.set_num_threads(1)
sources = dict(zip(["inpo", "smpo", "kto"], sys.argv[1:4]))
InverseScheduler = old_inverse_scheduler(sys.argv[4])
single, double = record(torch.float32), record(torch.float64)
save_file(
    {**inputs, **{f"out.{key}": value.float().contiguous() for key, value in single.items()}},
    HERE / "io.safetensors",
)


def tolerance(key):
    largest, spread = float(single[key].abs().max()), float((single[key] - double[key]).abs().max())
    return {
        "atol": float(f"{max(20 * spread, 2e-5 * largest, 1e-9):.2g}"),
        "max_abs": float(f"{largest:.2g}"),
        "spread_f32_f64": float(f"{spread:.2g}"),
    }


case = json.loads((HERE / "case.json").read_text()) if (HERE / "case.json").exists() else {}
case |= {
    "scheduler": SCHEDULER,
    "beta": BETA,
    "rewards": REWARDS,
    "runs": RUNS,
    "kto": KTO,
    "grad_params": GRAD_PARAMS,
    "outputs": {key: tolerance(key) for key in single},
}
(HERE / "case.json").write_text(json.dumps(case, indent=1) + "\n")

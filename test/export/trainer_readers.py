"""Pairs as the readers of trainers take them out of an export (argument: its folder), printed as JSON by reader.

Each reader is re-created from a description of what the trainer does with its columns. A pair is [winner, loser],
both as the sha256 of the RGB pixels.
"""
import hashlib
import io
import json
import os
import random
import sys
from pathlib import Path

import datasets
import webdataset
from PIL import Image

root = Path(sys.argv[1])


def pixels(image):
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def decoded(row, names=("jpg_0", "jpg_1")):
    """Both images of a row, as the trainers decode bytes."""
    return [Image.open(io.BytesIO(row[name])).convert("RGB") for name in names]


def both_splits(name):
    return [row for split in ("train", "validation") for row in datasets.load_dataset(name, split=split)]


def diffusion_dpo(name, rows):
    """Salesforce: labels 0 and 1 alone where the data set's name has "pickapic" in it; exchange where label_0 is 0."""
    if "pickapic" in name:
        rows = [row for row in rows if row["label_0"] in (0, 1)]
    pairs = []
    for row in rows:
        assert isinstance(row["caption"], str)
        winner, loser = decoded(row)
        if row["label_0"] == 0:
            winner, loser = loser, winner
        pairs.append((winner, loser))
    return pairs


def inversion_dpo_release():
    """The released script knows one name, which is then a folder where it runs."""
    mirror = root / "mirror" / "yuvalkirstain"
    mirror.mkdir(parents=True)
    (mirror / "pickapic_v2").symlink_to(root / "pickapic")
    os.chdir(root / "mirror")
    name = "yuvalkirstain/pickapic_v2"
    loaded = datasets.load_dataset(name)
    return diffusion_dpo(name, [row for split in ("train", "validation") for row in loaded[split]])


def diffusers_dpo(rows):
    """No rule for ties: whatever is not 0 counts for image 0."""
    pairs = []
    for row in rows:
        pair = decoded(row)
        pairs.append(tuple(pair) if row["label_0"] else tuple(reversed(pair)))
    return pairs


def diffusers_dpo_sdxl(rows):
    """Image 1 is brought to the size of image 0 before both are stacked."""
    pairs = []
    for row in rows:
        first, second = decoded(row)
        second = second.resize(first.size)
        pairs.append((first, second) if row["label_0"] else (second, first))
    return pairs


def diffusers_orpo(rows):
    """A label of one half takes a random side."""
    pairs = []
    for row in rows:
        label = row["label_0"] if row["label_0"] != 0.5 else random.choice([0, 1])
        first, second = decoded(row)
        pairs.append((second, first) if label == 0 else (first, second))
    return pairs


def orpo_webdataset():
    """Five entries by name from the tars; labels are text, so that `== 0` never holds and nothing is exchanged."""
    names = ["original_prompt.txt", "jpg_0.jpg", "jpg_1.jpg", "label_0.txt", "label_1.txt"]
    shards = sorted(str(shard) for shard in (root / "webdataset" / "data").glob("*.tar"))
    pairs = []
    for prompt, first, second, label_0, label_1 in (
        webdataset.WebDataset(shards, shardshuffle=False).decode("pil").to_tuple(*names)
    ):
        assert isinstance(prompt, str) and isinstance(label_0, str) and isinstance(label_1, str)
        pairs.append((second, first) if label_0 == 0 else (first, second))
    return pairs


def mapo(rows):
    """--remove_ties leaves out equal labels; the rest is diffusers'."""
    return diffusers_dpo([row for row in rows if row["label_0"] != row["label_1"]])


def load_from_disk(name):
    """InPO and SmPO read what save_to_disk wrote, by the rule for names."""
    disk = root / "disk" / "pickapic_v2"
    datasets.load_dataset(name).save_to_disk(str(disk))
    loaded = datasets.load_from_disk(str(disk))
    return diffusion_dpo(str(disk), [row for split in ("train", "validation") for row in loaded[split]])


def smpo_labels(rows):
    """SmPO also takes PickScores; the labels that follow from them must be consistent."""
    for row in rows:
        scores = row["ps_score_0"], row["ps_score_1"]
        assert row["ps_label_0"] == (0.5 if scores[0] == scores[1] else float(scores[0] > scores[1]))
    return len(rows)


def pickscore(name):
    """Different, labelled pairs; the pandas index is dropped by its name when examples are limited by prompt."""
    loaded = datasets.load_dataset(name)
    pairs = []
    for split in ("train", "validation"):
        rows = loaded[split]
        rows = rows.filter(lambda row: row["has_label"] and row["are_different"])
        frame = rows.to_pandas().drop(columns="__index_level_0__")
        assert (frame["num_example_per_prompt"] > 0).all()
        for row in frame.to_dict("records"):
            first, second = decoded(row)
            assert row["label_0"] + row["label_1"] == 1
            pairs.append((first, second) if row["label_0"] > row["label_1"] else (second, first))
    return pairs


def invoke_training(rows):
    """Pairs without a preference are skipped."""
    pairs = []
    for row in rows:
        if row["label_0"] == row["label_1"]:
            continue
        first, second = decoded(row)
        pairs.append((first, second) if row["label_0"] == 1 else (second, first))
    return pairs


def binarized():
    rows = both_splits(str(root / "binarized"))
    return [(row["chosen"], row["rejected"]) for row in rows]


def listed(layout):
    entries = [
        entry for split in ("train", "validation") for entry in json.loads((root / layout / f"{split}.json").read_text())
    ]
    return entries, lambda name: Image.open(root / layout / name)


def hpsv3():
    """path1 is the preferred one; without votes there is no distribution and no confidence to filter by."""
    entries, opened = listed("hpdv3")
    assert all(entry["choice_dist"] is None and entry["confidence"] is None for entry in entries)
    return [(opened(entry["path1"]), opened(entry["path2"])) for entry in entries]


def image_reward():
    """Every two images of a prompt whose ranks differ; the lower rank is better."""
    entries, opened = listed("image-reward")
    pairs = []
    for entry in entries:
        assert len(entry["generations"]) == len(entry["ranking"]) and min(entry["ranking"]) == 1
        ranked = list(zip(entry["ranking"], entry["generations"]))
        for i, (rank, name) in enumerate(ranked):
            for other_rank, other in ranked[i + 1 :]:
                if rank < other_rank:
                    pairs.append((opened(name), opened(other)))
                elif rank > other_rank:
                    pairs.append((opened(other), opened(name)))
    return pairs


def paired_folders():
    pairs = []
    for split in ("train", "validation"):
        win, lose = root / "folders" / split / "win", root / "folders" / split / "lose"
        names = sorted(file.name for file in win.iterdir())
        assert names == sorted(file.name for file in lose.iterdir())
        for name in names:
            if not name.endswith(".png"):
                assert (win / name).read_text() == (lose / name).read_text()
                continue
            pairs.append((Image.open(win / name), Image.open(lose / name)))
    return pairs


name = str(root / "pickapic")
rows = both_splits(name)
readers = {
    "Diffusion-DPO": diffusion_dpo(name, rows),
    "Inversion-DPO": inversion_dpo_release(),
    "diffusers DPO": diffusers_dpo(rows),
    "diffusers DPO SDXL": diffusers_dpo_sdxl(rows),
    "diffusers ORPO": diffusers_orpo(rows),
    "diffusers ORPO webdataset": orpo_webdataset(),
    "MaPO": mapo(rows),
    "InPO, SmPO": load_from_disk(name),
    "PickScore": pickscore(name),
    "invoke-training": invoke_training(rows),
    "chosen and rejected": binarized(),
    "HPSv3": hpsv3(),
    "ImageReward": image_reward(),
    "paired folders": paired_folders(),
}
assert smpo_labels(rows) == len(rows)
json.dump({reader: [[pixels(w), pixels(l)] for w, l in pairs] for reader, pairs in readers.items()}, sys.stdout)

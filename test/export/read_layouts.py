"""Reads an export (argument: its folder) as its users do, and prints what they see as JSON."""
import hashlib
import io
import json
import sys
from pathlib import Path

import datasets
import pyarrow.parquet as parquet
from huggingface_hub import DatasetCard
from PIL import Image


def seen(value):
    """JSON form of a value: images as a hash of their pixels, bytes as a hash of themselves."""
    if isinstance(value, Image.Image):
        return hashlib.sha256(value.convert("RGB").tobytes()).hexdigest()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, dict):
        return {name: seen(inner) for name, inner in value.items()}
    return value


def described(dataset):
    return {
        split: {
            "features": {name: f"{type(f).__name__} {f.dtype}" for name, f in rows.features.items()},
            "rows": [seen(row) for row in rows],
        }
        for split, rows in dataset.items()
    }


def preferred(row):
    """The pair as Diffusion-DPO's training script takes it: decode both, exchange them when label_0 is 0."""
    images = [Image.open(io.BytesIO(row[name])).convert("RGB") for name in ("jpg_0", "jpg_1")]
    if row["label_0"] == 0:
        images.reverse()
    winner, loser = images
    same_size = winner.size == loser.size
    return {"winner": seen(winner), "loser": seen(loser), "same_size": same_size, **{k: row[k] for k in ("annotation_id", "best_image_uid")}}


root = Path(sys.argv[1])
out = {}
for layout in ("images", "pickapic"):
    by_folder = datasets.load_dataset(str(root / layout))
    by_files = datasets.load_dataset("parquet", data_files=str(root / layout / "data" / "*.parquet"))
    file = parquet.ParquetFile(next((root / layout / "data").glob("train-*.parquet")))
    out[layout] = {
        "folder": described(by_folder),
        "files": described(by_files),
        "arrow": {field.name: str(field.type) for field in file.schema_arrow},
        "card": DatasetCard.load(root / layout / "README.md").data.to_dict(),
    }
labelled = [row for split in by_folder.values() for row in split if row["label_0"] in (0, 1)]
out["preferred"] = [preferred(row) for row in labelled]
scores = parquet.read_table(root / "scores" / "scores.parquet")
out["scores"] = {"arrow": {f.name: str(f.type) for f in scores.schema}, "rows": scores.to_pylist()}
json.dump(out, sys.stdout)

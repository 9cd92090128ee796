"""Reads an export in every layout (argument: its folder) with the tools that each is for, and prints what they see as JSON."""
import json
import sys
from pathlib import Path

import datasets
import duckdb
import pandas
import pyarrow as pa
import pyarrow.parquet as parquet
import webdataset

root = Path(sys.argv[1])

loaded = {}
for name in ("images", "pickapic", "binarized", "hpdv3", "image-reward", "webdataset", "scores", "quality"):
    dataset = datasets.load_dataset(str(root / name))
    loaded[name] = {
        "features": {key: f"{type(f).__name__} {getattr(f, 'dtype', '')}" for key, f in dataset["train"].features.items()},
        "rows": {split: len(rows) for split, rows in dataset.items()},
    }
    for rows in dataset.values():
        for row in rows:
            assert row


def only(keys):
    """The same keys everywhere."""
    (found,) = {tuple(sorted(one)) for one in keys}
    return list(found)


def entries(layout):
    return [entry for split in ("train", "validation") for entry in json.loads((root / layout / f"{split}.json").read_text())]


tars = [str(tar) for tar in (root / "webdataset" / "data").glob("*.tar")]
samples = webdataset.WebDataset(tars, shardshuffle=False)
file = str(root / "scores" / "scores.parquet")
with pa.ipc.open_stream(str(root / "arrow" / "scores.arrows")) as reader:
    arrow = reader.read_all()
images = str(root / "images" / "data" / "*.parquet")
json.dump(
    {
        "loaded": loaded,
        "keys": {
            "hpdv3": only(entries("hpdv3")),
            "image-reward": only(entries("image-reward")),
            "webdataset": only([key for key in sample if not key.startswith("__")] for sample in samples),
        },
        "pyarrow": {
            name: {
                field.name: str(field.type)
                for field in parquet.read_schema(next((root / name).rglob("*.parquet")))
            }
            for name in ("images", "pickapic", "binarized", "scores", "quality")
        },
        "scores": {
            "pyarrow": [list(row.values()) for row in parquet.read_table(file).to_pylist()],
            "duckdb": [list(row) for row in duckdb.execute("SELECT * FROM read_parquet(?)", [file]).fetchall()],
            "pandas": pandas.read_parquet(file).values.tolist(),
            "arrow": [list(row.values()) for row in arrow.to_pylist()],
        },
        "joined": duckdb.execute(
            "SELECT count(*) FROM read_parquet(?) s JOIN read_parquet(?) i"
            " ON s.sha256 = i.sha256 AND s.annotation_id = i.annotation_id AND s.image_index = i.image_index",
            [file, images],
        ).fetchone()[0],
    },
    sys.stdout,
)

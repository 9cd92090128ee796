"""Reads a run's streams straight from their URLs (argument: .../v1/runs/RUN) as docs/sql.md shows it; prints rows as JSON."""
import json
import sys
from urllib.parse import quote
from urllib.request import urlopen

import duckdb
import polars as pl
import pyarrow as pa

run = sys.argv[1]
policy = "reward=" + quote(json.dumps({"policy": "mean", "weights": {"dpg": 1}}))

scores = pa.ipc.open_stream(urlopen(f"{run}/scores.arrow"))
grouped = duckdb.sql("SELECT metric, count(*), min(value), max(value) FROM scores GROUP BY metric ORDER BY metric").fetchall()

rewards = pa.ipc.open_stream(urlopen(f"{run}/rewards.arrow?{policy}")).read_pandas()
best = rewards.loc[rewards.groupby("annotation_id")["reward"].idxmax(), ["annotation_id", "image_index", "reward"]]

pairs = pl.read_ipc_stream(f"{run}/pairs.arrow?{policy}")

json.dump(
    {
        "duckdb": grouped,
        "types": {field.name: str(field.type) for field in pa.ipc.open_stream(urlopen(f"{run}/rewards.arrow")).schema},
        "pandas": best.values.tolist(),
        "polars": pairs.select("annotation_id", "winner_index", "loser_index", "margin").rows(),
    },
    sys.stdout,
)

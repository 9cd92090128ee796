"""Ingest, run, load the Parquet in ``datasets``. Cells of a notebook: python example.py [ANNOTATIONS] [OUT]"""

# %% A service that `npm start` has started; its address is in DIPTYCH_URL, or goes here.
import sys
from pathlib import Path

from datasets import load_dataset
from diptych_client import Client

annotations = sys.argv[1] if len(sys.argv) > 1 else "models/sample/annotations.json"
out = Path(sys.argv[2] if len(sys.argv) > 2 else "out")
client = Client()

# %% Annotations in. A record that is wrong is told by line and reason, and stops no other.
counts = client.ingest("shapes", annotations)
print(f"{counts['received']} records, {counts['rejected']} rejected")

# %% Four candidates for each, scored. Every setting has a default; `settings` has those of POST /v1/runs.
run = client.post_runs({"kind": "curate", "annotationSet": "shapes", "settings": {"sampling": {"steps": 12}}})
ended = client.wait(run["id"], lambda view: print(f"{view['status']}, {view['secondsLeft']} s left"))
assert ended["status"] == "succeeded", ended["error"]

# %% The log tells what happened.
for event in client.events(run["id"]):
    print(event["type"], event["data"])

# %% Scores as a table, without a file.
scores = client.table(run["id"], "scores").to_pandas()
print(scores.describe())

# %% Pairs as files that Diffusion-DPO's trainers read, every one checked by its sha256.
made = client.export(run["id"], {"layout": "pickapic"}, out)
pairs = load_dataset(str(out / "pickapic"), split="train")
print(f"version {made['version'][:12]}: {len(pairs)} pairs, {pairs.column_names}")

"""Reads an Arrow stream of scores (argument: its file) and prints schema, batches and rows as JSON."""
import json
import sys

import pyarrow as pa

with pa.ipc.open_stream(sys.argv[1]) as reader:
    batches = list(reader)
    table = pa.Table.from_batches(batches, reader.schema)
table.validate(full=True)
json.dump(
    {
        "types": {field.name: str(field.type) for field in table.schema},
        "batches": [batch.num_rows for batch in batches],
        "rows": table.to_pylist(),
    },
    sys.stdout,
)

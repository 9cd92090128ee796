"""Reads one Parquet file (argument) with pyarrow, pandas and DuckDB, and prints types and values as JSON."""
import datetime
import json
import math
import struct
import sys

import duckdb
import pandas
import pyarrow.parquet as parquet


def plain(value):
    """What JSON would change is text: integers of 64 bits, NaN, -0, bytes, times."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, (bytes, bytearray)):
        return f"bytes {bytes(value).hex()}"
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, datetime.datetime):
        utc = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return f"time {(utc - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)}"
    if isinstance(value, int):
        return f"number {value}"
    if math.isnan(value):
        return "number NaN"
    if value == 0:
        return "number -0" if math.copysign(1, value) < 0 else "number 0"
    return f"double {struct.pack('>d', value).hex()}"


def rows_of(columns):
    return [[plain(value) for value in row] for row in zip(*columns)]


file = sys.argv[1]
table = parquet.read_table(file)
table.validate(full=True)
# Types that keep null apart from NaN and integers whole.
frame = pandas.read_parquet(file, dtype_backend="pyarrow")
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
relation = connection.execute("SELECT * REPLACE (epoch_ms(timestamp) AS timestamp) FROM read_parquet(?)", [file]).fetchall()
at = table.schema.names.index("timestamp")
json.dump(
    {
        "types": {field.name: str(field.type) for field in table.schema},
        "pyarrow": rows_of([column.to_pylist() for column in table.columns]),
        "pandas": rows_of([frame[name].array.__arrow_array__().to_pylist() for name in frame.columns]),
        "duckdb": [
            [f"time {value}" if i == at and value is not None else plain(value) for i, value in enumerate(row)]
            for row in relation
        ],
    },
    sys.stdout,
)

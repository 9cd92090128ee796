"""Reads a folder of event files (argument) as TensorBoard does, and prints its scalars and images as JSON."""
import base64
import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

folder = Path(sys.argv[1])
events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
events.Reload()
# The loader checks both checksums of every record.
raw = [Event.FromString(data) for file in sorted(folder.iterdir()) for data in RawEventFileLoader(str(file)).Load()]
print(
    json.dumps(
        {
            "version": raw[0].file_version,
            "records": len(raw),
            "scalars": {
                tag: [[e.step, e.wall_time, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
            },
            "images": {
                tag: [[e.step, e.width, e.height, base64.b64encode(e.encoded_image_string).decode()] for e in events.Images(tag)]
                for tag in events.Tags()["images"]
            },
        }
    )
)

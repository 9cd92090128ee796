"""Records difference-hash.json: pictures as PNG and their hashes by ImageHash 4.3.2 with Pillow 13 (pip install imagehash)."""
import base64
import io
import json
import random
import sys

import imagehash
from PIL import Image, ImageDraw, ImageEnhance


def scene(width, height, seed):
    draw_from = random.Random(seed)
    image = Image.new("RGB", (width, height), tuple(draw_from.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = draw_from.randrange(width), draw_from.randrange(height)
        w, h = draw_from.randrange(2, width), draw_from.randrange(2, height)
        shape = draw_from.choice([draw.ellipse, draw.rectangle])
        shape([x - w // 3, y - h // 3, x + w // 3, y + h // 3], fill=tuple(draw_from.randrange(256) for _ in range(3)))
    return image


def jpeg(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


base = scene(160, 120, 1)
pictures = {
    "base": base,
    "darker": ImageEnhance.Brightness(base).enhance(0.8),
    "jpeg of quality 40": jpeg(base, 40),
    "half the size": base.resize((80, 60), Image.Resampling.BICUBIC),
    "cut by two pixels": base.crop((2, 2, 158, 118)),
    "mirrored": base.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "another": scene(160, 120, 2),
    "small": scene(32, 32, 3),
    "smaller than the hash": scene(5, 4, 4),
    "tall": scene(12, 300, 5),
    "wide": scene(300, 12, 6),
    "black": Image.new("RGB", (16, 16)),
}


def recorded(name, image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return {"name": name, "hash": str(imagehash.dhash(image)), "png": base64.b64encode(buffer.getvalue()).decode()}


json.dump([recorded(*entry) for entry in pictures.items()], sys.stdout, indent=1)
print()

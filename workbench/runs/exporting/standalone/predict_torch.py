"""Classify images: python predict.py a.jpg b.jpg. Needs numpy, Pillow and torch."""

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from preprocess import read_settings, to_pixels

folder = Path(__file__).parent
model = torch.export.load(folder / "model.pt2").module()
settings = read_settings(folder)
names = settings["class_names"]

for path in sys.argv[1:]:
    pixels = torch.from_numpy(to_pixels(Image.open(path), settings).copy())[None]
    logits, probabilities = model(pixels)
    best = probabilities[0].argsort(descending=True)[:5].tolist()
    answer = {names[i]: round(float(probabilities[0, i]), 6) for i in best}
    print(json.dumps({"file": path, "probabilities": answer}, ensure_ascii=False))

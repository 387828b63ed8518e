"""Classify images: python predict.py a.jpg b.jpg. Needs numpy, Pillow and onnxruntime."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from preprocess import read_settings, to_pixels

folder = Path(__file__).parent
session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
settings = read_settings(folder)

for path in sys.argv[1:]:
    pixels = to_pixels(Image.open(path), settings)[np.newaxis]
    logits, probabilities = session.run(["logits", "probabilities"], {"pixel_values": pixels})
    best = np.argsort(-probabilities[0])[:5]
    answer = {names[i]: round(float(probabilities[0, i]), 6) for i in best}
    print(json.dumps({"file": path, "probabilities": answer}, ensure_ascii=False))

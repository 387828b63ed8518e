"""What is wrong with a model argument is said before torch, weights or data are loaded."""

import json
import os
import subprocess
import sys
import time

from workbench.models.open_clip_tables import architecture_configs, pretrained_tags
from workbench.models.spec import parse_model
from workbench.models.timm_names import check_timm_name

CLIENT = """
import json, sys, time
began = time.perf_counter()
from workbench.errors import WorkbenchError
from workbench.models import open_model
from workbench.settings import Settings
out = {}
for argument in sys.argv[2:]:
    try:
        open_model(argument, Settings(cache=sys.argv[1]))
    except WorkbenchError as error:
        out[argument] = str(error)
print(json.dumps([out, "torch" in sys.modules, time.perf_counter() - began]))
"""


def ask(tmp_path, *arguments, **environment):
    command = [sys.executable, "-c", CLIENT, str(tmp_path), *arguments]
    ours = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    kept = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
    began = time.process_time()
    done = subprocess.run(command, env={**kept, **ours, **environment}, capture_output=True, text=True, check=True)
    assert time.process_time() - began < 2
    return json.loads(done.stdout)


def test_wrong_names_are_refused_without_torch(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"")
    words = {
        "ViT-B-33/openai": "knows no architecture 'ViT-B-33'. Did you mean 'ViT-B-32'?",
        "ViT-B-32/openai": "use 'ViT-B-32-quickgelu/openai'",
        "ViT-B-32/laion": "has no pretrained tag 'laion'",
        f"ViT-B-32@{tmp_path}/w.pt": "a weight file does not say its activation",
        f"RN50-quickgelu@{tmp_path}/none.pt": "is not a file",
        "VitB": "no model is called 'VitB'",
        f"local-dir:{tmp_path}/none": "there is nothing at",
        "timm:vit_base_patch16_244": "timm knows no architecture 'vit_base_patch16_244'. Did you mean",
        "hf-hub:org/model": "the hub cannot be reached (HF_HUB_OFFLINE is set)",
        "ViT-B-32/laion2b_s34b_b79k": "copy its folder models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K",
    }
    out, heavy, _ = ask(tmp_path, *words)
    for argument, expected in words.items():
        assert expected in out[argument]
    assert not heavy


def test_a_hub_that_does_not_answer_is_given_up_at_once(tmp_path):
    out, heavy, seconds = ask(tmp_path, "hf-hub:org/model", HF_HUB_OFFLINE="0", HF_ENDPOINT="http://127.0.0.1:9")
    assert "127.0.0.1 does not answer" in out["hf-hub:org/model"]
    assert not heavy
    assert seconds < 20, "it takes a second; machines that are busy take longer"


def test_tables_are_those_of_open_clip():
    import open_clip

    assert sorted(architecture_configs()) == sorted(open_clip.list_models())
    assert [(arch, tag) for arch, tags in pretrained_tags().items() for tag in tags] == open_clip.list_pretrained()
    for arch, tags in pretrained_tags().items():
        for tag, known in tags.items():
            assert known == open_clip.get_pretrained_cfg(arch, tag)


def test_every_architecture_of_timm_passes():
    import timm

    for name in timm.list_models():
        check_timm_name(parse_model(f"timm:{name}"))
    check_timm_name(parse_model("timm:vit_base_patch16_224.augreg2_in21k_ft_in1k"))

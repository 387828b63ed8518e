"""Score candidates with a trained head, save it and restore it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

from adapters.relation_head.network import RelationNetwork, Shape
from adapters.relation_head.phrases import Phrases, embed_phrases
from adapters.relation_head.scenes import Questions, Scenes, grounding_questions, matching_questions
from workbench.plugin import AnyArray, Candidates, FitReport, FloatArray, PairScorer, TaskModel, normalise

Space = Literal["pooled", "projected"]

_SETTINGS, _WEIGHTS = "relation_head.json", "relation_head.safetensors"
_QUESTIONS = 256  # Scored at once.


@dataclass(frozen=True)
class Reading:
    """How items are read.

    Attributes:
        space: Features that correct the model's embeddings of regions.
        words: Words in a phrase; None where sentences are not divided.
        tiles: The n of `ImageSet.tiles` in matching; None where candidates are boxes.
    """

    space: Space
    words: int | None
    tiles: int | None

    def questions(self, candidates: Candidates) -> Questions:
        """The items as the head sees them."""
        return grounding_questions(candidates) if self.tiles is None else matching_questions(candidates, self.tiles)


class Evidence:
    """Scenes and texts on a device.

    Args:
        scenes: The scenes.
        phrases: The texts.
        space: See `Reading`.
        device: A torch device.
    """

    def __init__(self, scenes: Scenes, phrases: Phrases, space: Space, device: str) -> None:
        def unit_rows(rows: FloatArray) -> Tensor:
            return torch.from_numpy(normalise(rows)).to(device)

        self.unit = unit_rows(scenes.features.projected)
        self.inputs = self.unit if space == "projected" else unit_rows(scenes.features.pooled)
        self.places = torch.from_numpy(scenes.places).to(device)
        self.sentences, self.phrases = unit_rows(phrases.sentences), unit_rows(phrases.embedded)
        self._regions = torch.from_numpy(scenes.members).to(device)
        self._windows = torch.from_numpy(phrases.members).to(device)

    def scores(self, network: RelationNetwork, scene: AnyArray, text: AnyArray, *, whole: bool) -> Tensor:
        """Scores of questions about scenes (q,) with texts (q,); each scene and text is embedded once."""
        device = self.places.device
        scenes, of_scene = (torch.from_numpy(part).to(device) for part in np.unique(scene, return_inverse=True))
        texts, of_text = (torch.from_numpy(part).to(device) for part in np.unique(text, return_inverse=True))
        members = self._regions[scenes]
        members = members[:, (members >= 0).any(dim=0)]
        rows = members.clamp(min=0)
        regions = network.regions(self.unit[rows], self.inputs[rows])
        windows = self._windows[texts]
        roles, sentences = network.texts(self.sentences[texts], self.phrases[windows.clamp(min=0)], windows >= 0)
        scores: Tensor = network(
            regions, self.places[rows], members >= 0, roles, sentences, of_scene, of_text, whole=whole
        )  # fmt: skip
        return scores


def candidate_scores(
    network: RelationNetwork, evidence: Evidence, questions: Questions, candidates: AnyArray
) -> Tensor:
    """Logits of candidates, differentiable.

    Args:
        network: The head.
        evidence: Scenes and texts.
        questions: The questions.
        candidates: int64 (c,), numbers of candidates.
    """
    question_numbers, positions = np.unique(questions.question[candidates], return_inverse=True)
    whole = bool((questions.slot[candidates] < 0).all())
    scores = evidence.scores(network, questions.scene[question_numbers], questions.text[question_numbers], whole=whole)
    index = torch.from_numpy(positions).to(scores.device)
    return scores[index] if whole else scores[index, torch.from_numpy(questions.slot[candidates]).to(scores.device)]


def all_scores(network: RelationNetwork, evidence: Evidence, questions: Questions) -> FloatArray:
    """Logits of all candidates, float32 (p,)."""
    network.eval()
    edges = np.searchsorted(questions.question, np.arange(0, len(questions.scene), _QUESTIONS))
    parts = np.split(np.arange(len(questions.question)), edges[1:])
    with torch.inference_mode():
        scores = [candidate_scores(network, evidence, questions, part).cpu().numpy() for part in parts if len(part)]
    return np.concatenate([np.empty(0, np.float32), *scores])


class RelationScorer(PairScorer):
    """A trained head.

    Args:
        network: The head.
        reading: How items are read.
        model: Embeds the texts.
        device: A torch device.
        report: How it was fitted.
    """

    def __init__(
        self, network: RelationNetwork, reading: Reading, model: TaskModel, device: str, report: FitReport | None = None
    ) -> None:
        self._network, self._reading, self._model, self._device = network.to(device), reading, model, device
        self.scale = float(network.scale.detach())
        self.report = report or FitReport()

    def scores(self, candidates: Candidates) -> FloatArray:
        """See `PairScorer.scores`."""
        questions = self._reading.questions(candidates)
        phrases = embed_phrases(self._model, candidates.texts, self._reading.words)
        return all_scores(
            self._network, Evidence(questions.scenes, phrases, self._reading.space, self._device), questions
        )  # fmt: skip

    def save(self, directory: Path) -> None:
        """Write `relation_head.safetensors` and `relation_head.json`."""
        from safetensors.torch import save_file

        state = {name: tensor.contiguous().cpu() for name, tensor in self._network.state_dict().items()}
        save_file(state, directory / _WEIGHTS)
        settings = {"shape": asdict(self._network.shape), "reading": asdict(self._reading)}
        (directory / _SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Self:
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        settings = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
        network = RelationNetwork(Shape(**settings["shape"]), 1.0)
        network.load_state_dict(load_file(directory / _WEIGHTS))
        return cls(network, Reading(**settings["reading"]), model, device)

"""The published update rules, one task at a time, in plain PyTorch: what the batched recipes are measured against.

Each function takes a task and gives a function from images to logits. Optimiser, rate, number of steps and batches are
those of the authors' code; images are not augmented, since there are none. Where a rule chooses on validation and there
is none, what its authors start from stays, and the last step is taken.
"""

from collections.abc import Callable, Iterator
from math import cos, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.plugin import ClassificationTask, ImageSet, LabelledImages

Logits = Callable[[ImageSet], Tensor]


def raw_text(task: ClassificationTask) -> Tensor:
    """Class embeddings as the text tower gives them, of one sentence."""
    return torch.as_tensor(task.model.encode_texts([own[0] for own in task.prompts.sentences("single")])).double()


def unit(images: ImageSet) -> Tensor:
    return F.normalize(torch.as_tensor(images.features.projected).double(), dim=1)


def batches(n: int, size: int, epochs: int, seed: int) -> Iterator[tuple[int, Tensor]]:
    draw = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        for rows in torch.randperm(n, generator=draw).split(size):
            yield epoch, rows


def dassl(parameters: list[Tensor], rate: float, epochs: int, name: str, decay: float = 5e-4):
    """Dassl's optimisers and schedule: a first epoch at 1e-5, then half a cosine, by epochs."""
    if name == "adam":
        optimiser = torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
    else:
        optimiser = torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay)
    cosine = [rate * (1 + torch.cos(torch.tensor(torch.pi * e / epochs)).item()) / 2 for e in range(epochs)]
    return optimiser, [1e-5, *cosine[: epochs - 1]]


def descend(loss, parameters, rate, epochs, size, n, seed, name, decay=5e-4):
    optimiser, rates = dassl(parameters, rate, epochs, name, decay)
    for epoch, rows in batches(n, size, epochs, seed):
        optimiser.param_groups[0]["lr"] = rates[epoch]
        optimiser.zero_grad()
        loss(rows).backward()
        optimiser.step()


def accuracy(logits: Logits, data: LabelledImages) -> float:
    with torch.no_grad():
        return float((logits(data.images).argmax(dim=1) == torch.as_tensor(data.labels)).double().mean())


def zero_shot(task: ClassificationTask) -> Logits:
    text = F.normalize(raw_text(task), dim=1)
    return lambda images: 100 * unit(images) @ text.T


def task_res(task: ClassificationTask) -> Logits:
    """Yu et al. (CVPR 2023): alpha 0.5, Adam at 2e-3, 100 epochs up to 4 shots and 200 beyond, batches of 256."""
    x, y, text = unit(task.train.images), torch.as_tensor(task.train.labels), raw_text(task)
    residual = torch.zeros_like(text, requires_grad=True)

    def logits(features: Tensor) -> Tensor:
        return 100 * features @ F.normalize(text + 0.5 * residual, dim=1).T

    epochs = 100 if (task.shots or 16) <= 4 else 200
    descend(
        lambda rows: F.cross_entropy(logits(x[rows]), y[rows]), [residual], 2e-3, epochs, 256, len(x), task.seed, "adam"
    )
    return lambda images: logits(unit(images)).detach()


def clip_adapter(task: ClassificationTask) -> Logits:
    """Gao et al. (IJCV 2024): ratio 0.2, bottleneck a quarter; optimiser and schedule of the CoOp code it builds on."""
    x, y, text = unit(task.train.images), torch.as_tensor(task.train.labels), F.normalize(raw_text(task), dim=1)
    torch.manual_seed(task.seed)
    d = x.shape[1]
    network = nn.Sequential(nn.Linear(d, d // 4, bias=False), nn.ReLU(), nn.Linear(d // 4, d, bias=False), nn.ReLU())
    network.double()

    def logits(features: Tensor) -> Tensor:
        return 100 * F.normalize(0.2 * network(features) + 0.8 * features, dim=1) @ text.T

    descend(
        lambda rows: F.cross_entropy(logits(x[rows]), y[rows]),
        list(network.parameters()),
        2e-3,
        200,
        32,
        len(x),
        task.seed,
        "sgd",
    )
    return lambda images: logits(unit(images)).detach()


def clap(task: ClassificationTask) -> Logits:
    """Silva-Rodriguez et al. (CVPR 2024): prototypes start at raw text, SGD at 0.1, 300 epochs of batches of 256."""
    x, y, text = unit(task.train.images), torch.as_tensor(task.train.labels), raw_text(task)
    prototypes = text.clone().requires_grad_()

    def logits(features: Tensor) -> Tensor:
        return 100 * features @ F.normalize(prototypes, dim=1).T

    probability = (100 * x @ F.normalize(text, dim=1).T).softmax(dim=1)
    multiplier = torch.stack([probability[y == c, c].mean() for c in range(len(text))])

    def loss(rows: Tensor) -> Tensor:
        away = (prototypes - text).square().sum(dim=1)
        return F.cross_entropy(logits(x[rows]), y[rows]) + (multiplier * away).mean()

    descend(loss, [prototypes], 0.1, 300, 256, len(x), task.seed, "sgd", decay=0.0)
    return lambda images: logits(unit(images)).detach()


def cross_modal_probe(task: ClassificationTask, iterations: int = 12800) -> Logits:
    """Lin et al. (CVPR 2023): zero-shot start, AdamW, batches of 8 that are half text; validation chooses the rest.

    All settings are trained side by side on the same batches; none chosen, the first of the published lists is taken.
    """
    x, y, text = unit(task.train.images), torch.as_tensor(task.train.labels), F.normalize(raw_text(task), dim=1)
    draw = torch.Generator().manual_seed(task.seed)
    settings = [(rate, decay) for rate in (1e-3, 1e-4) for decay in (0.0, 0.01, 1e-4)][: None if len(task.val) else 1]
    rates, decays = (torch.tensor(own).double()[:, None, None] for own in zip(*settings, strict=True))
    weight = text.expand(len(settings), -1, -1).clone()
    first, second = torch.zeros_like(weight), torch.zeros_like(weight)
    kept, best = weight.clone(), torch.full((len(settings),), -1.0).double()
    images, labels = unit(task.val.images), torch.as_tensor(task.val.labels)
    hot = torch.eye(len(text)).double()
    for i in range(iterations):
        rows, own = (torch.randint(n, (4,), generator=draw) for n in (len(x), len(text)))
        features, target = torch.cat([x[rows], text[own]]), torch.cat([hot[y[rows]], hot[own]])
        gradient = 100 * ((100 * features @ weight.mT).softmax(dim=2) - target).mT @ features / 8
        first.lerp_(gradient, 0.1)
        second.lerp_(gradient.square(), 0.001)
        rate = rates * (min(1.0, i / 50) if i < 50 else (1 + cos(pi * (i - 50) / iterations)) / 2)
        moved = first / (1 - 0.9 ** (i + 1)) / ((second / (1 - 0.999 ** (i + 1))).sqrt() + 1e-8)
        weight = weight * (1 - rate * decays) - rate * moved
        if len(images) and i % 100 == 0:
            right = ((images @ weight.mT).argmax(dim=2) == labels).double().mean(dim=1)
            kept[right > best], best = weight[right > best], torch.maximum(best, right)
    chosen = kept[best.argmax()] if len(images) else weight[0]
    return lambda images: 100 * unit(images) @ chosen.T


def tip_adapter_f(task: ClassificationTask) -> Logits:
    """Zhang et al. (ECCV 2022): keys by AdamW at 1e-3 (epsilon 1e-4), 20 epochs of batches of 256, then a search."""
    x, y, text = unit(task.train.images), torch.as_tensor(task.train.labels), F.normalize(raw_text(task), dim=1)
    hot, keys = F.one_hot(y, len(text)).double(), x.clone().requires_grad_()

    def logits(features: Tensor, alpha: float, beta: float) -> Tensor:
        return 100 * features @ text.T + alpha * (beta * (features @ keys.T - 1)).exp() @ hot

    alpha, beta, epochs = 1.17, 1.0, 20
    optimiser = torch.optim.AdamW([keys], lr=1e-3, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * -(-len(x) // 256))
    for _, rows in batches(len(x), 256, epochs, task.seed):
        optimiser.zero_grad()
        F.cross_entropy(logits(x[rows], alpha, beta), y[rows]).backward()
        optimiser.step()
        schedule.step()
    keys.requires_grad_(requires_grad=False)
    if len(task.val):
        grid = [(a, b) for b in torch.linspace(0.1, 7, 40).tolist() for a in torch.linspace(0.1, 3, 20).tolist()]
        alpha, beta = max(grid, key=lambda own: accuracy(lambda images: logits(unit(images), *own), task.val))
    return lambda images: logits(unit(images), alpha, beta)


def lp_plus_plus(task: ClassificationTask) -> Logits:
    """Huang et al. (CVPR 2024): 300 steps on prototypes, and one on the alphas every 10."""
    x, y, text = unit(task.train.images), torch.as_tensor(task.train.labels), F.normalize(raw_text(task), dim=1)
    n, c = len(x), len(text)
    hot = F.one_hot(y, c).double()
    weight = (hot.T @ x / hot.sum(0)[:, None]).requires_grad_()
    bias = (torch.rand(c, generator=torch.Generator().manual_seed(task.seed)).double() * 2 - 1) / x.shape[1] ** 0.5
    bias.requires_grad_()
    shown = x @ text.T
    alphas = (250 * (hot.T @ shown / hot.sum(0)[:, None]).mean() * torch.ones(c).double()).requires_grad_()
    rate = 4 * n / torch.linalg.eigvalsh(x.T @ x)[-1]
    text_rate = n / (shown.square().sum(0).max() * 4)
    optimiser = torch.optim.SGD([weight, bias], lr=float(rate), momentum=0.9)
    best: tuple[float, Logits] = (-1.0, zero_shot(task))
    for step in range(300):
        loss = F.cross_entropy(x @ weight.T + bias + alphas * shown, y)
        optimiser.zero_grad()
        alphas.grad = None
        loss.backward()
        optimiser.step()
        if (step + 1) % 10 == 0:
            alphas.data -= text_rate * alphas.grad
        w, b, a = (own.detach().clone() for own in (weight, bias, alphas))

        def logits(images: ImageSet, w: Tensor = w, b: Tensor = b, a: Tensor = a) -> Tensor:
            return unit(images) @ w.T + b + a * (unit(images) @ text.T)

        best = (
            max((accuracy(logits, task.val), logits), best, key=lambda own: own[0]) if len(task.val) else (0.0, logits)
        )
    return best[1]


def prolip(task: ClassificationTask, rate: float = 1e-5) -> Logits:
    """Fahes et al. (2025), without validation: Adam (epsilon 1e-4), 300 full-batch steps, penalty 1 / shots."""
    pooled, y, text = _pooled(task.train.images), torch.as_tensor(task.train.labels), F.normalize(raw_text(task), dim=1)
    projection = torch.as_tensor(task.model.projection)
    weight = projection.clone().requires_grad_()
    optimiser = torch.optim.Adam([weight], lr=rate, eps=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 300)

    def logits(features: Tensor) -> Tensor:
        return 100 * F.normalize(features @ weight, dim=1) @ text.T

    for _ in range(300):
        optimiser.zero_grad()
        loss = F.cross_entropy(logits(pooled), y) + (weight - projection).square().sum() / (task.shots or 1)
        loss.backward()
        optimiser.step()
        schedule.step()
    return lambda images: logits(_pooled(images)).detach()


def _pooled(images: ImageSet) -> Tensor:
    return torch.as_tensor(images.features.pooled).double()

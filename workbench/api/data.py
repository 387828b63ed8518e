"""Datasets and models: open, check, embed, search."""

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from workbench import datasets, models
from workbench.api.arguments import PathText, as_list, as_path, as_text, read_settings
from workbench.datasets import CheckReport, Dataset
from workbench.datasets.roles import SplitChoice
from workbench.models import Encoder
from workbench.search import Term, parse_line

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]


def open_dataset(
    dataset: PathText, *, language: str | None = None, progress: Progress | None = None, **settings: Any
) -> Dataset:
    """Open a dataset; its list of images is kept in the cache until its files change.

    Args:
        dataset: A registered name, a card file, or a folder.
        language: One of the card's languages; None takes the card's own.
        progress: Called with (done, total) while new images are hashed.
        settings: Fields of `workbench.Settings`, such as `data` or `cache`.

    Raises:
        WorkbenchError: The dataset does not exist, its data is missing, or contradicts its card.
    """
    return datasets.open_dataset(as_text(dataset), read_settings(open_dataset, settings), progress, language=language)


def check(dataset: PathText, *, progress: Progress | None = None, **settings: Any) -> CheckReport:
    """Look at every image of a dataset; `print` of the report is what `workbench check` says.

    Args:
        dataset: A registered name, a card file, or a folder.
        progress: Called with (done, total) while images are read.
        settings: Fields of `workbench.Settings`, such as `data` or `cache`.

    Raises:
        WorkbenchError: The dataset does not exist, its data is missing, or contradicts its card.
    """
    return datasets.check_in_all_languages(as_text(dataset), read_settings(check, settings), progress)


def open_model(model: PathText, **settings: Any) -> Encoder:
    """A pretrained model; its weights are loaded when something must be computed.

    Args:
        model: `ARCH/TAG` of open_clip, `ARCH@FILE`, `hf-hub:ORG/REPO`, `local-dir:PATH`, `timm:NAME`, `features:FILE`,
            `run:RUN`, or a name that a package registers.
        settings: Fields of `workbench.Settings`, such as `device` or `precision`.

    Raises:
        WorkbenchError: There is no such model.
    """
    return models.open_model(as_text(model), read_settings(open_model, settings))


def embed(
    dataset: PathText,
    model: PathText,
    *,
    split: SplitChoice = "all",
    progress: Progress | None = None,
    **settings: Any,
) -> "pd.DataFrame":
    """Features of a dataset's images, from the cache where they are known.

    Args:
        dataset: A registered name, a card file, or a folder.
        model: Model argument.
        split: `train`, `val`, `test`, or `all` of them.
        progress: Called with (done, total) while features are computed.
        settings: Fields of `workbench.Settings`, such as `device` or `cache`.

    Returns:
        One row a readable image: `id`, `split`, `group`, `labels` (names), `pooled` and `projected` (float32, before
        and after the projection into the space that images and texts share; `numpy.stack` makes a matrix of a column).
        `attrs["unreadable"]` has name and reason of every other image.

    Raises:
        WorkbenchError: There is no such dataset or model.
    """
    from workbench.features.table import feature_table, features_of_split

    loaded_settings = read_settings(embed, settings)
    opened = datasets.open_pictures(as_text(dataset), loaded_settings)
    rows, extraction = features_of_split(
        opened, models.open_model(as_text(model), loaded_settings), split, loaded_settings, progress
    )
    frame: pd.DataFrame = feature_table(opened, rows, extraction).to_pandas()
    frame.attrs["unreadable"] = extraction.unreadable
    return frame


def search_images(
    dataset: PathText,
    query: str | Sequence[Term] = "",
    *,
    model: PathText,
    images: PathText | Iterable[PathText] = (),
    top: int = 20,
    split: SplitChoice = "all",
    language: str = "en",
    index: Literal["auto", "exact", "approximate"] = "auto",
    progress: Progress | None = None,
    **settings: Any,
) -> "pd.DataFrame":
    """The images of a dataset that are nearest to a query.

    Args:
        dataset: A registered name, a card file, or a folder.
        query: A sentence, or weighted ones: `2 "red fruit" + "a bird" - 0.5 "a branch"`; or terms.
        model: Model argument.
        images: Files of images that count as sentences do.
        top: At most so many images.
        split: `train`, `val`, `test`, or `all` of them.
        language: Of the sentences.
        index: `auto` takes faiss's index, where it is installed, from a million images on.
        progress: Called with (done, total) while features are computed.
        settings: Fields of `workbench.Settings`, such as `device` or `cache`.

    Returns:
        Columns `id`, `score` (cosine, -1..1), `labels` and `captions`, best first.

    Raises:
        WorkbenchError: There is no such dataset or model, or the query is empty.
    """
    import pandas as pd

    from workbench.search.answer import search_dataset

    sentences: Sequence[Term] = query if not isinstance(query, str) else parse_line(query) if query.strip() else ()
    answer = search_dataset(
        as_text(dataset), sentences, [as_path(image) for image in as_list(images)], as_text(model),
        read_settings(search_images, settings), split=split, top=top, language=language, index=index, progress=progress,
    )  # fmt: skip
    return pd.DataFrame(answer.rows, columns=["id", "score", "labels", "captions"])


def label(
    folder: PathText,
    *,
    model: PathText,
    classes: PathText | Iterable[str],
    restrict: PathText | Iterable[str] = (),
    templates: str | Iterable[str] = (),
    top: int = 5,
    none_below: float | None = None,
    tie_within: float = 0.1,
    group_by: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> "pd.DataFrame":
    """Label every image below a folder by names and descriptions of classes, without any training.

    Args:
        folder: Searched recursively.
        model: Model argument.
        classes: Names, or a file with them; see `workbench.labelling.read_class_list`.
        restrict: Only classes of these names, such as a region's checklist: names, or a file with them.
        templates: Sentences with `{}` for the name.
        top: Classes named for each image.
        none_below: The answer is `none of these` where no class has this probability.
        tie_within: Two classes are nearly tied where their probabilities differ by less.
        group_by: `folder`, or a regular expression for the path: images of one thing have one joint answer.
        progress: Called with (done, total) while features are computed.
        settings: Fields of `workbench.Settings`, such as `device` or `cache`.

    Returns:
        One row an image, see `workbench.labelling.label_rows`.

    Raises:
        WorkbenchError: There is no such folder, file or model, or no image.
    """
    import pandas as pd

    from workbench.labelling import ClassList, LabelRules, label_folder, read_class_list, read_names
    from workbench.labelling.class_lists import ClassEntry
    from workbench.labelling.folder import TEMPLATES, check_templates

    used = read_settings(label, settings)
    sentences = as_list(templates)
    check_templates(sentences)
    if isinstance(classes, str | PathLike):
        names = read_class_list(as_path(classes))
    else:
        names = ClassList(tuple(map(ClassEntry, classes)))
    if chosen := read_names(as_path(restrict)) if isinstance(restrict, str | PathLike) else list(restrict):
        names = names.restricted(chosen)
    rules = LabelRules(top=top, none_below=none_below, tie_within=tie_within, group_by=group_by)
    encoder = models.open_model(as_text(model), used)
    rows = label_folder(
        as_path(folder), encoder, names, used, rules, templates=sentences or TEMPLATES, progress=progress
    )
    return pd.DataFrame(rows)

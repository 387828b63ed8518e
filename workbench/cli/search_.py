"""`workbench search`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file, write_text
from workbench.formatting import format_share
from workbench.texts import plain

if TYPE_CHECKING:
    from workbench.search import Approximate, Gallery, SearchResult, Term
    from workbench.settings import Settings


class _Search(click.Command):
    """Says how a weight is written where one was taken for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            taken = next((one for one in given if one.startswith(error.option_name)), "")
            if not taken[1:2].isdigit() and taken[1:2] not in {".", ","}:
                raise
            weight = taken[1:].replace(",", ".")
            raise click.UsageError(
                f"{taken} is taken for an option. A sign is an argument of its own and a weight follows it: "
                f'write - {weight} "a sentence".',
                ctx,
            ) from error


@click.command("search", cls=_Search)
@click.argument("dataset")
@click.argument("sentences", nargs=-1)
@click.option("--model", required=True, help="Model argument.")
@click.option("--image", "images", multiple=True, type=click.Path(path_type=Path), help="Like this image; repeatable.")
@click.option("--split", type=click.Choice(["train", "val", "test", "all"]), default="all", show_default=True)
@click.option("--top", default=20, show_default=True, type=click.IntRange(1), help="Images to show.")
@click.option(
    "--index", type=click.Choice(["auto", "exact", "approximate"]), default="auto", show_default=True,
    help="auto takes faiss's index, where it is installed, from a million images on.",
)  # fmt: skip
@click.option("--language", default="en", show_default=True, help="Language of the sentences; marked, or refused.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a contact sheet here, pictures inside.")
@settings_options("device", "precision", "cache", "data")
@as_json
def command(
    dataset: str,
    sentences: tuple[str, ...],
    model: str,
    images: tuple[Path, ...],
    split: Any,
    top: int,
    index: str,
    language: str,
    html: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Search DATASET for the images nearest to SENTENCES and images.

    + and - add a sentence or search away from it, and a number before a sentence is its weight (default 1).

    \b
    Example:
      workbench search flowers102 "a red flower" --model ViT-B-32/laion2b_s34b_b79k
      workbench search photos/ 2 "red fruit" + "a bird" - 0.5 "a branch" --model ... --html found.html
      workbench search photos/ --image query.jpg --model ... --top 5 --json
      workbench search photos/ "赤い果物" --language ja --model xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets import card_languages, in_language, open_card, resolve_card
    from workbench.features import FeatureStore
    from workbench.models import open_model
    from workbench.models.languages import check_language
    from workbench.search import ImageTerm, contact_sheet, embed_image, open_gallery, parse_terms, search_images

    settings = load_settings(**flags)
    terms: list[Term] = [*parse_terms(sentences)]
    if not terms and not images:
        raise click.UsageError("Give at least one sentence, or --image FILE.")
    check_output_file("--html", html)
    card, base = resolve_card(dataset)
    opened = open_card(in_language(card, language) if language in card_languages(card) else card, base, settings)
    encoder, store = open_model(model, settings), FeatureStore(settings.cache)
    doubt = check_language(encoder, language) if terms else None
    terms += [ImageTerm(str(path), embed_image(path, encoder, store)) for path in images]
    with ConsoleReporter() as reporter:
        gallery = open_gallery(
            opened, encoder, store, split, workers=settings.workers,
            progress=lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    chosen = _index(index, gallery, settings)
    hits = search_images(gallery, terms, top, index=chosen)
    title = " ".join(str(term) for term in terms).removeprefix("+ ")
    about = f"{opened.name}, {len(gallery)} images, {model}; {_how(chosen)}"
    if as_json:
        answer_json(_record(gallery, terms, language, hits, chosen))
    else:
        answer(f"{plain(title)}\n{plain(about)}")
        for rank, line in enumerate(_rows(gallery, hits), 1):
            said = plain(f"{line['id']}  {', '.join(line['labels'])}")
            answer(f"{rank:4d}  {line['score']:.4f}  {said}")
    for name, reason in gallery.unreadable:
        click.echo(plain(f"left out: {name}: {reason}"), err=True)
    if doubt is not None:
        click.echo(doubt, err=True)
    if encoder.notice:
        click.echo(f"{model} is {encoder.notice}.", err=True)
    if html is not None:
        write_text(html, contact_sheet(opened, hits, title, about))
        click.echo(f"written to {html}", err=True)


def _index(choice: str, gallery: "Gallery", settings: "Settings") -> "Approximate | None":
    from workbench.search.approximate import PAYS_FROM, approximate_index, is_available

    if choice == "exact" or (choice == "auto" and (len(gallery) < PAYS_FROM or not is_available())):
        return None
    return approximate_index(gallery, settings.cache)


def _how(index: "Approximate | None") -> str:
    if index is None:
        return "exact search"
    recall = index.recall
    return (
        f"approximate search, recall at {recall.at} against exact {format_share(recall.value)} "
        f"over {recall.queries} images ({recall.probes} of {recall.lists} lists)"
    )


def _rows(gallery: "Gallery", hits: "SearchResult") -> list[dict[str, Any]]:
    from workbench.search.sheet import labels_of

    dataset = gallery.dataset
    rows = zip(hits.rows.tolist(), hits.scores.tolist(), hits.ids, strict=True)
    return [
        {
            "id": name, "score": round(score, 6), "labels": labels_of(dataset, row),
            "captions": list(dataset.captions([row])[0]),
        }
        for row, score, name in rows
    ]  # fmt: skip


def _record(
    gallery: "Gallery", terms: "list[Term]", language: str, hits: "SearchResult", index: "Approximate | None"
) -> dict[str, Any]:
    from dataclasses import asdict

    from workbench.search import TextTerm

    query = [
        {"text" if isinstance(term, TextTerm) else "image": getattr(term, "text", None) or getattr(term, "name", ""),
         "weight": term.weight}
        for term in terms
    ]  # fmt: skip
    return {
        "dataset": gallery.dataset.name,
        "model": gallery.encoder.name,
        "precision": gallery.encoder.precision,
        "split": gallery.split,
        "query": query,
        "language": language,
        "searched": len(gallery),
        "unreadable": len(gallery.unreadable),
        "index": "exact" if index is None else "approximate",
        "recall": None if index is None else asdict(index.recall),
        "results": _rows(gallery, hits),
    }

"""`workbench search`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file, write_text
from workbench.texts import plain


class _Search(click.Command):
    """Explains how to write a weight where one was taken for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        arguments = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            taken = next((argument for argument in arguments if argument.startswith(error.option_name)), "")
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
@settings_options("device", "precision", "preprocessing", "cache", "data")
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
    from workbench.search import parse_terms
    from workbench.search.answer import search_dataset

    if not sentences and not images:
        raise click.UsageError("Give at least one sentence, or --image FILE.")
    terms = parse_terms(sentences)
    check_output_file("--html", html)
    with ConsoleReporter() as reporter:
        result = search_dataset(
            dataset, terms, images, model, load_settings(**flags), split=split, top=top, language=language,
            index=index, progress=lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    if as_json:
        answer_json(result.to_dict())
    else:
        answer(f"{plain(result.title)}\n{plain(result.about)}")
        for rank, line in enumerate(result.rows, 1):
            name = plain(f"{line['id']}  {', '.join(line['labels'])}")
            answer(f"{rank:4d}  {line['score']:.4f}  {name}")
    for note in result.gallery.dataset.unlabelled_notes:
        click.echo(plain(note), err=True)
    for name, reason in result.gallery.unreadable:
        click.echo(plain(f"left out: {name}: {reason}"), err=True)
    if result.doubt is not None:
        click.echo(result.doubt, err=True)
    if result.gallery.encoder.notice:
        click.echo(f"{model} is {result.gallery.encoder.notice}.", err=True)
    if html is not None:
        write_text(html, result.sheet())
        click.echo(f"written to {html}", err=True)

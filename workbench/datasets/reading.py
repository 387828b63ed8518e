"""Reading chosen images of a dataset without holding the dataset."""

from collections.abc import Callable, Sequence

from workbench.arrays import AnyArray
from workbench.datasets.dataset import Dataset


def reader(dataset: Dataset, rows: Sequence[int] | AnyArray) -> Callable[[int], bytes]:
    """A function that gives the encoded bytes of the i-th of `rows`.

    It holds the places of these rows and nothing of others: neither their places nor anybody's labels.
    """
    source = dataset._source
    locations = [dataset.manifest.records[int(row)].location for row in rows]
    return lambda i: source.read(locations[i])

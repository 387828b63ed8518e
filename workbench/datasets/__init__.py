"""Datasets: cards, sources, manifests, and what is wrong with the data."""

from workbench.datasets.card import DatasetCard, parse_card, read_card
from workbench.datasets.catalogue import CardListing, cards, list_cards
from workbench.datasets.dataset import Dataset
from workbench.datasets.opening import card_for_folder, open_dataset, resolve_card

__all__ = [
    "CardListing",
    "Dataset",
    "DatasetCard",
    "card_for_folder",
    "cards",
    "list_cards",
    "open_dataset",
    "parse_card",
    "read_card",
    "resolve_card",
]

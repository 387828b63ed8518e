"""Datasets: cards, sources, manifests, and checks of the data."""

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_reading import parse_card, read_card
from workbench.datasets.card_writing import card_to_toml
from workbench.datasets.catalogue import CardListing, cards, list_cards
from workbench.datasets.check import check_dataset, check_in_all_languages
from workbench.datasets.check_report import CheckReport
from workbench.datasets.dataset import Dataset
from workbench.datasets.folder_card import card_for_folder
from workbench.datasets.images import decode_image
from workbench.datasets.languages import card_languages, in_language
from workbench.datasets.opening import open_card, open_dataset, open_pictures, place_of, resolve_card
from workbench.datasets.unreadable import UnreadableImageError

__all__ = [
    "CardListing",
    "CheckReport",
    "Dataset",
    "DatasetCard",
    "UnreadableImageError",
    "card_for_folder",
    "card_languages",
    "card_to_toml",
    "cards",
    "check_dataset",
    "check_in_all_languages",
    "decode_image",
    "in_language",
    "list_cards",
    "open_card",
    "open_dataset",
    "open_pictures",
    "parse_card",
    "place_of",
    "read_card",
    "resolve_card",
]

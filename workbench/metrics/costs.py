"""Quantities that a run records besides metrics: times, sizes, counts, and what the order of a stream changes."""

from math import inf

from workbench.metrics.metric import PER_CENT, SHARE, Quantity

_SECONDS = ("train_seconds", "predict_seconds", "extract_seconds")
_COUNTS = (
    "train_images", "val_images", "test_images", "unlabelled_images", "unreadable_images", "test_items", "test_groups",
    "test_groups_effective", "different_prompts", "reference_images", "unreadable_reference_images",
)  # fmt: skip
_OF_ORDERS = ("order_accuracy_range", "order_ece_mean", "order_class_changes")

QUANTITIES: tuple[Quantity, ...] = (
    Quantity(name="recall_at_1", bounds=SHARE, unit=PER_CENT),  # Of validation, while a network is trained.
    *(Quantity(name=name, higher_is_better=False, bounds=(0.0, inf), unit="s") for name in _SECONDS),
    Quantity(name="trainable_parameters", higher_is_better=False, bounds=(0.0, inf)),
    *(Quantity(name=name, bounds=(0.0, inf)) for name in _COUNTS),
    Quantity(name="order_accuracy_mean", bounds=SHARE, unit=PER_CENT),
    *(Quantity(name=name, higher_is_better=False, bounds=SHARE, unit=PER_CENT) for name in _OF_ORDERS),
)

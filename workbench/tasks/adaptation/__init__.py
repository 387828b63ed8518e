"""A network that was adapted to a field. There is no dataset of its own, and no recipe."""

from workbench.tasks.adaptation.task import NAME, NETWORK, Adaptation

__all__ = ["NAME", "NETWORK", "Adaptation"]

"""Interactive charts, built with Altair from the views' results."""

"""Interactive charts, built with Altair from what the views compute."""

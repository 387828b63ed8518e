"""Numbers that `workbench verify` compares with: published ones, and those of the embedded model and sets."""

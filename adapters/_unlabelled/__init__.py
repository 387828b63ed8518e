"""Parts of the recipes that adapt to images without labels."""

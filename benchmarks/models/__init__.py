"""Lists of models, one file a field."""

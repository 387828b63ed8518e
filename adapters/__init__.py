"""The built-in recipes, one file each, registered by the same entry points as anyone else's."""

"""One page a file: widgets and layout only."""

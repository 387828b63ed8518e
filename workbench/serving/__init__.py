"""A finished run behind HTTP, for a lab's own page or a robot on the same machine."""

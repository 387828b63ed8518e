"""What the tasks have in common in which the best of candidates is picked."""

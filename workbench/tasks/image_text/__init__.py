"""What the tasks on images and texts have in common."""

"""Medical datasets: cards and the generator of mri-planes."""

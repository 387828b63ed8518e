"""What the recipes on cached features share: padded batches of few-shot tasks, the choice on validation, solvers."""

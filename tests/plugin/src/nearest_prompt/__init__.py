"""The smallest useful third-party recipe: the first template's nearest class."""

from workbench.plugin import ClassificationRecipe, ClassificationTask, LinearClassifier, RecipeConfig, class_embeddings


class NearestPrompt(ClassificationRecipe[RecipeConfig]):
    """Cosine with the single-template class embeddings."""

    trains = False

    def fit(self, task: ClassificationTask) -> LinearClassifier:
        """Embed the class names."""
        return LinearClassifier(class_embeddings(task.model, task.prompts.sentences("single")), scale=10.0)

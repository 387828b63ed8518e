"""CoOp: a prompt's context words as learned vectors, through the frozen text tower.

Zhou et al., "Learning to Prompt for Vision-Language Models" (IJCV 2022), section 3.2: the prompt of class i is
[V]_1 ... [V]_M [CLASS]_i (equation 2) or [V]_1 ... [V]_M/2 [CLASS]_i [V]_M/2+1 ... [V]_M (equation 3), its embedding by
the text tower the weight of the class, and the vectors minimise the cross-entropy; they are shared by all classes
(unified context) or each class has its own (class-specific).

The published code differs in that:

- it augments images and runs the image tower, which is frozen, in every step; here its cached features serve, and no
  image is decoded;
- it uses SGD at 0.002 for 50 to 200 epochs and keeps the last; here AdamW, as for every other recipe, needs fewer, and
  validation chooses the epoch, that before training included;
- a sentence always ends in a full stop; here the template whose words begin the context also says what follows the
  class, so that the prompt before training is the template itself;
- it knows OpenAI's text tower alone; here the vectors take the places of token embeddings in whichever tower the model
  has.
"""

from adapters.coop.recipe import Coop, CoopSettings

__all__ = ["Coop", "CoopSettings"]

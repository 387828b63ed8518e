"""Heads on cached features of image regions: what a region shows, where it lies, and how it relates to the others.

A sentence such as `a red cup to the left of a blue box` is true of a picture where one region fits its subject, another
its object, and the two lie as it says. One embedding of the picture and one of the sentence hardly tell who is left of
whom (Yuksekgonul et al., "When and why vision-language models behave like bags-of-words", ICLR 2023), so the score of
a text t at region i is

    S(i) + place(i) + log sum over j of exp(A(j) + relation(i, j))

with S and A the scaled cosines of a region with the subject and the object of t, and `place` and `relation` products
of t's embedding with how the regions lie. These are the subject, location and relationship modules of MAttNet (Yu et
al., CVPR 2018), on a pretrained dual encoder's features and text. Subject and object come either from the embedding of
the whole sentence, through a map each, or from those of its phrases (windows of a few words), weighed by content and
position and sent through one map; validation chooses. Regions are the candidate boxes of
grounding; in matching they are overlapping tiles and the whole picture, and a picture's score is the log-sum over its
regions, times a number from the text, which may turn its sign (`there is no ...`).
"""

from adapters.relation_head.recipe import RelationHead, RelationHeadConfig

__all__ = ["RelationHead", "RelationHeadConfig"]

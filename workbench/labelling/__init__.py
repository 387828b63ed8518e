"""Label a folder of images: by names and descriptions without training, or by a finished run."""

from workbench.labelling.class_lists import ClassList, read_class_list, read_names
from workbench.labelling.folder import label_folder
from workbench.labelling.rules import NONE_OF_THESE, LabelRules, label_rows

__all__ = ["NONE_OF_THESE", "ClassList", "LabelRules", "label_folder", "label_rows", "read_class_list", "read_names"]

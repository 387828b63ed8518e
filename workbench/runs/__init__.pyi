from .execute import run_suite as run_suite
from .finished import FinishedRun as FinishedRun
from .planning import plan as plan
from .suite import RecipeEntry as RecipeEntry
from .suite import Suite as Suite
from .suite import load_suite as load_suite
from .suite import suite_names as suite_names

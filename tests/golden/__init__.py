"""Golden numbers: what every built-in recipe on features, and the evaluation, give on fixed planted inputs.

They move only with the version that says so. `python -m tests.golden` writes them anew.
"""

"""The workbench from Python, as `import workbench` shows it.

Each function takes names, ids and paths, as the command line does, where the packages below take what has been opened.
One value is as good as a list of one, and fields of `workbench.Settings` are keywords of every function that has
`**settings`.
"""

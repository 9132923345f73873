"""Answering to `import torch`: the alias, the runner of scripts, and the check of a script without running it.

Knows Headgate by its public names only, so that it works for whatever those names are. Nothing but the command line
imports it.
"""

"""The pages of the documentation, and what builds the site. It is no part of the installed package.

This file makes `docs` a package of its own, whatever other packages leave under that name.
"""

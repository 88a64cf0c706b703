"""The report of runs: what was trained, what came out, and what of it may be compared.

settings.py   run folders, grouped into settings whose runs differ only in their seeds
table.py      the row of each setting, beside the published values
verdict.py    the report's first words
again.py      how each run was made: differences from its card, command, environment
charts.py     the curves as a page and a figure draw them
figures.py    the curves as SVG and PNG
pictures.py   strips and grids of samples
nearest.py    the training images that are nearest to samples
contents.py   everything that a report says
markdown.py   the report as text
page.py       the report as a page
write.py      from run folders to the folder of a report
templates/    the page, its style and its script
"""

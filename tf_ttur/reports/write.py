"""From run folders to the folder of a report."""

import pathlib
from collections.abc import Sequence

from tf_ttur.io import console, files, outputs
from tf_ttur.reports import figures, markdown, page, pictures, table
from tf_ttur.reports.contents import Contents, collect
from tf_ttur.reports.nearest import Search
from tf_ttur.reports.settings import open_settings
from tf_ttur.studies import results

PAGE = "report.html"
_MAX_BYTES = 5_000_000  # of the page


def write(
    folders: Sequence[str | pathlib.Path],
    output: str | pathlib.Path,
    command: str,
    search: Search | None = None,
) -> pathlib.Path:
    """Writes the report of runs into a folder.

    It consists of report.html, report.md, table.csv, table.json and table.md, of numbers.json with
    all values and differences, of the figures as SVG and PNG, and of the pictures of samples.

    Args:
      folders: run folders, studies, and folders of such folders.
      output: the folder to write to; it is created if it is missing.
      command: the command line that makes this report.
      search: for the training images that are nearest to samples; None looks for none.

    Returns:
      The path of the page.

    Raises:
      UserError: a folder holds no run that can be read, or the output cannot be written.
    """
    folder = outputs.check_folder(output)
    contents = collect(open_settings(folders), command, search)
    drawn = figures.write(folder, contents.evaluations, contents.training)
    _write_pictures(folder, contents)
    results.write(contents.results, folder / results.NUMBERS)
    texts = {
        "table.json": table.to_json(contents.rows),
        "table.csv": table.to_csv(contents.rows),
        "table.md": table.to_markdown(contents.rows) + "\n",
        "report.md": markdown.to_markdown(contents),
        PAGE: page.render(
            contents, {name: (folder / f"{name}.svg").read_bytes() for name in drawn}
        ),
    }
    for name, text in texts.items():
        with files.atomic(folder / name, "w") as file:
            file.write(text)
    size = (folder / PAGE).stat().st_size
    if size > _MAX_BYTES:
        console.say(f"warning: {folder / PAGE} has {size / 1e6:.1f} MB; report fewer settings")
    return folder / PAGE


def _write_pictures(folder: pathlib.Path, contents: Contents) -> None:
    for one in contents.shown:
        if one.samples is None:
            continue
        drawn = {
            one.strip_file: pictures.strip(one.samples),
            one.grid_file: pictures.last_grid(one.samples),
        }
        for name, picture in drawn.items():
            with files.atomic(folder / name) as file:
                picture.save(file, "PNG", optimize=True)

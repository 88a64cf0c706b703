"""The digits that the program draws."""

import pathlib
import re

from tf_ttur.data import digits
from tf_ttur.data.sources.arrays import indexed
from tf_ttur.data.sources.source import Options, Source, identity_of
from tf_ttur.errors import UserError

_WORD = re.compile(r"(digits|plain-digits):0*([1-9][0-9]{0,8})(?::([0-9]{1,9}))?")
_DRAW = {"digits": digits.draw, "plain-digits": digits.draw_plain}


def open_digits(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of `digits:N`, `digits:N:SEED`, `plain-digits:N` or `plain-digits:N:SEED`.

    Raises:
      UserError: it is another word.
    """
    fields = _WORD.fullmatch(word)
    if not fields:
        raise UserError(
            f"{word}",
            "digits:N or digits:N:SEED with whole numbers of up to 9 digits, N above 0;"
            " or plain-digits:N",
            "for example digits:8192",
        )
    draw = _DRAW[fields[1]]
    count = int(fields[2])
    seed = int(fields[3] or 0)
    side = digits.SIZE
    read = indexed(lambda index: draw(index, seed), (side, side, 3))
    return Source(word, count, identity_of(word, digits.VERSION), read, shape=(side, side))

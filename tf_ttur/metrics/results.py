"""What `metrics.evaluate` returns for one value. This file imports no TensorFlow."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from tf_ttur.errors import UserError
from tf_ttur.wording import counted

_NUMBERS = ("value", "std", "standard_error", "low", "high")


def in_words(numbers: Mapping[str, float]) -> str:
    """The value, and its standard deviation and interval if they are known."""
    text = f"{numbers['value']:.4f}"
    if "std" in numbers:
        text += f" ± {numbers['std']:.4f}"
    if "low" in numbers:
        text += f" [{numbers['low']:.4f}, {numbers['high']:.4f}]"
    return text


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Result(Mapping[str, float]):
    """One measured value.

    It prints itself in one line, `float` gives its value, and it can be read like a dict of the
    numbers that are known: `result["value"]`, `"low" in result`.

    Attributes:
      name: of the value, such as "fid", or "fid_stand_in" where the network is not the original.
      value: the number itself.
      standard_error, low, high: its sampling error and 95 % interval; None where unknown.
      std: of the Inception Score, over its ten parts; None of all others.
      more: {name: number} that a measure of your own gives beside these.
      provenance: {side: what is known of its images, its network and its versions}.
    """

    name: str
    value: float
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    std: float | None = None
    more: Mapping[str, float] = dataclasses.field(default_factory=dict)
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, name: str, numbers: Mapping[str, float], provenance: Mapping[str, Any]) -> "Result":
        """The result with these numbers.

        Args:
          name: of the value.
          numbers: "value", and those of the other attributes that are known, or any others.
          provenance: as above.
        """
        fields = {key: number for key, number in numbers.items() if key in _NUMBERS}
        more = {key: number for key, number in numbers.items() if key not in _NUMBERS}
        return cls(name, **fields, more=more, provenance=provenance)

    @property
    def _numbers(self) -> dict[str, float]:
        known = {key: getattr(self, key) for key in _NUMBERS}
        return {key: number for key, number in known.items() if number is not None} | {**self.more}

    def __getitem__(self, key: str) -> float:
        return self._numbers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        text = f"{self.name} {in_words(self)}"
        counts = [
            f"{side}: {counted(origin['num_images'], 'image')}"
            for side, origin in self.provenance.items()
            if "num_images" in origin
        ]
        return f"{text}  ({', '.join(counts)})" if counts else text

    def __repr__(self) -> str:
        return f"<{self}>"

    def to_dict(self) -> dict[str, Any]:
        """A dict that JSON can hold: name, the known numbers, and provenance."""
        return {"name": self.name, **self._numbers, "provenance": dict(self.provenance)}


class UnknownValueError(UserError, KeyError):
    """A name that no value of some `Results` has."""

    def __str__(self) -> str:
        return str(self.args[0])  # `KeyError` would show its lines as one, in quotes


class Results(dict[str, Result]):
    """{name of a value: its `Result`}.

    A name that is missing is an error that lists those that are there: a value of another network
    or protocol has another name.
    """

    def __missing__(self, name: object) -> Result:
        names = ", ".join(self) or "none"
        first = next(iter(self), "name")
        raise UnknownValueError(
            f"results[{name!r}], where the values are {names}",
            "one of these names: the network, the protocol and the options of a measure stand in "
            'the name of its value, and only the original network gives "fid"',
            f"take results[{first!r}]; metrics.fid gives the distance alone, whatever its name",
        )

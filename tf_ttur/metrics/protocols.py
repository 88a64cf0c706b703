"""Protocols: the ways from images to values that published tools define.

`official` is that of TTUR and of this project: images of their own size go into the network's
graph, which resizes them. Values of two protocols are never mixed: their names differ, and the
provenance of statistics says which it is. This file imports no TensorFlow.

Sources of the definitions: `clean` is the mode "clean" of clean-fid 0.1.35 (Parmar et al. 2022);
`adm` is `evaluations/evaluator.py` of guided-diffusion (Dhariwal and Nichol 2021).
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tf_ttur.data.resizing import Resizing
from tf_ttur.errors import UserError
from tf_ttur.metrics import measures
from tf_ttur.metrics.names import metric_name
from tf_ttur.metrics.networks import FeatureNetwork

if TYPE_CHECKING:
    import tensorflow as tf

OFFICIAL = "official"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """An entry of `PROTOCOLS`.

    Attributes:
      help: one line.
      entry: how each image is resized before it enters the network; None leaves that to the graph.
      prefix: before the names of its values, unless they begin with one of `own`.
      own: beginnings of names that only this protocol has.
      measures: {name as a user gives it: name in `measures.MEASURES`}; None allows all names but
        those of other protocols.
      default: names of the measures that are taken where the user names none.
    """

    help: str
    entry: Resizing | None = None
    prefix: str = ""
    own: tuple[str, ...] = ()
    measures: Mapping[str, str] | None = None
    default: tuple[str, ...] = ("fid",)


PROTOCOLS = {
    OFFICIAL: Protocol(help="images of their own size, resized by the graph, as TTUR"),
    "clean": Protocol(
        help="each image to 299x299 by Pillow's bicubic filter in floats, as clean-fid",
        entry=Resizing(299, "none", "bicubic", in_floats=True),
        prefix="clean_",
    ),
    "adm": Protocol(
        help="FID, sFID, Inception Score, precision and recall as guided-diffusion's evaluator",
        prefix="adm_",
        own=("sfid", "adm_"),
        measures={"fid": "fid", "sfid": "sfid", "is": "adm_is", "pr": "adm_pr"},
        default=("fid", "sfid", "is", "pr"),
    ),
}


def find(name: str) -> Protocol:
    """The protocol of this name. Raises `UserError` if there is none."""
    if name not in PROTOCOLS:
        raise UserError(f"protocol {name!r}", f"one of {', '.join(PROTOCOLS)}", "correct it")
    return PROTOCOLS[name]


def measure_names(protocol: str, names: Iterable[str]) -> list[str]:
    """The names in `measures.MEASURES` of the measures that a user names, each once.

    Args:
      protocol: of `PROTOCOLS`.
      names: as in `measures.find`.

    Raises:
      UserError: the protocol has no such measure.
    """
    allowed = find(protocol).measures
    chosen = []
    for name in names:
        if allowed is not None and name not in allowed:
            raise UserError(
                f"the metric {name} with the protocol {protocol}",
                f"some of {', '.join(allowed)}",
                "leave it out, or choose another protocol",
            )
        entry = measures.MEASURES.get(measures.split(name)[0])
        owner = "" if entry is None else entry.protocol
        if allowed is None and owner:
            raise UserError(
                f"the metric {name} with the protocol {protocol}",
                f"the protocol {owner}, which defines it",
                f"pass --protocol {owner} (protocol={owner!r} in Python), or leave the metric out",
            )
        chosen.append(name if allowed is None else allowed[name])
    return list(dict.fromkeys(chosen))


def value_name(protocol: str, network: str, kind: str) -> str:
    """The name of a value, as "fid", "clean_fid" or "sfid_stand_in".

    Args:
      protocol: of `PROTOCOLS`.
      network, kind: as in `names.metric_name`.
    """
    entry = find(protocol)
    name = metric_name(network, kind)
    return name if entry.own and kind.startswith(entry.own) else entry.prefix + name


def of_provenance(provenance: Mapping[str, Any]) -> str:
    """The protocol of statistics."""
    return str(provenance.get("protocol", OFFICIAL))


def check(name: str, provenance: Mapping[str, Any], protocol: str) -> None:
    """Refuses what was made with another protocol; files of other tools do not say with which.

    Args:
      name: how messages call it.
      provenance: of statistics or features; may be empty.
      protocol: of `PROTOCOLS`.

    Raises:
      UserError: names both protocols.
    """
    made_with = of_provenance(provenance)
    if provenance and made_with != protocol:
        raise UserError(
            f"{name} was made with the protocol {made_with}; here it is {protocol}",
            "the same protocol: distances between others mean nothing",
            f"pass --protocol {made_with} (protocol={made_with!r} in Python), or make it anew",
        )


class Adapted:
    """A feature network as a protocol uses it; a `networks.FeatureNetwork`.

    Args:
      network: the network.
      protocol: of `PROTOCOLS`; not the official one, which uses the network itself.

    Attributes:
      protocol: as given.
    """

    def __init__(self, network: FeatureNetwork, protocol: str) -> None:
        self.network = network.network
        self.metric = value_name(protocol, network.network, "fid")
        self.digest = network.digest
        self.precision = network.precision
        self.dimension = network.dimension
        self.protocol = protocol
        self._network = network
        self._entry = find(protocol).entry

    def __call__(self, images: Any) -> "tuple[tf.Tensor, tf.Tensor | None]":
        """As of the network.

        Raises:
          ValueError: images that have not taken the way of the protocol.
        """
        if self._entry is not None and set(images.shape[1:3]) != {self._entry.size}:
            raise ValueError(f"images of shape {images.shape} for the protocol {self.protocol}")
        return self._network(images)


class WithSpatial(Adapted):
    """A network that also gives spatial features, as the protocol adm uses it.

    Attributes:
      spatial_dimension: number of spatial features, 2,023 of the Inception network.
    """

    def __init__(self, network: Any, protocol: str) -> None:
        super().__init__(network, protocol)
        self.spatial_dimension: int = network.spatial_dimension

    def with_spatial(self, images: Any) -> "tuple[tf.Tensor, tf.Tensor | None, tf.Tensor]":
        """(features, logits, spatial features): float32 (n, d), (n, classes) and (n, s)."""
        return self._network.with_spatial(images)  # type: ignore[attr-defined]


def adapt(network: FeatureNetwork, protocol: str) -> FeatureNetwork:
    """The network as a protocol uses it.

    Raises:
      UserError: the protocol needs what the network does not give.
    """
    if protocol == OFFICIAL:
        return network
    if protocol != "adm":
        return Adapted(network, protocol)
    if not getattr(network, "spatial_dimension", 0):
        raise UserError(
            f"the protocol {protocol} with the network {network.network}",
            "the frozen Inception graph, whose node mixed_6/conv gives the spatial features",
            "name that graph, or choose another protocol",
        )
    return WithSpatial(network, protocol)


def possible(names: Sequence[str], has_images: Sequence[bool]) -> list[str]:
    """Those of the measures that sides with or without images can give.

    Args:
      names: of `measures.MEASURES`.
      has_images: whether the source and the reference have images.
    """
    kept = []
    for name in names:
        try:
            measures.check([name], *has_images)
        except UserError:
            continue
        kept.append(name)
    return kept

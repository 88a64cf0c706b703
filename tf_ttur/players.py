"""A pair of anything, one for each player, always in the same order."""

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Players(NamedTuple, Generic[T]):
    """What the two players of a GAN have: the discriminator's (or critic's), the generator's."""

    discriminator: T
    generator: T

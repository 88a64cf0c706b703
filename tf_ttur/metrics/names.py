"""Names of the values that come from the features of a network."""

# The Inception network of the FID in its forms. Distances of other features are no FID.
INCEPTIONS = ("original", "stand-in", "hub", "unknown")


def metric_name(network: str, kind: str = "fid") -> str:
    """The name of a value.

    Args:
      network: the name of the feature network, as "original", "stand-in" or "dinov2".
      kind: what is measured, as "fid" or "kid".

    Returns:
      `kind` for the original network alone; else with the network's name, as "fid_stand_in". Of a
      network that is not the Inception network the FID is called Fréchet distance: "fid" becomes
      "frechet_dinov2", and "fid_inf" becomes "frechet_inf_dinov2".
    """
    if network == "original":
        return kind
    if network not in INCEPTIONS and kind.partition("_")[0] == "fid":
        kind = f"frechet{kind.removeprefix('fid')}"
    return f"{kind}_{network.replace('-', '_')}"

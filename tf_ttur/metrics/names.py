"""Names of the values that come from the features of a network."""


def metric_name(network: str, kind: str = "fid") -> str:
    """The name of a value.

    Args:
      network: the name of the feature network, as "original" or "stand-in".
      kind: what is measured, as "fid" or "kid".

    Returns:
      `kind` for the original network alone; else with the network's name, as "fid_stand_in".
    """
    return kind if network == "original" else f"{kind}_{network.replace('-', '_')}"

"""Signs that a training has collapsed, read from the values that it wrote down."""

ACCURACY = "accuracy/discriminator"


def signs(rows, metric, settings):
    """What is suspicious in a run.

    Args:
      rows: of `metrics.jsonl`, in their order.
      metric: the name of the distance that falls while training goes well, or None.
      settings: `config.collapse`.

    Returns:
      List of (update, words), in the order of the updates: a distance far above the best one before
      it, and a discriminator that has told all examples apart for long, each time that this begins.
    """
    found = _far_above_the_best(rows, metric, settings.metric_factor) + _too_accurate(
        rows, settings.accuracy_updates
    )
    return sorted(found)


def _far_above_the_best(rows, metric, factor):
    found, best, above = [], None, False
    for row in rows:
        if row["name"] != metric or row["value"] is None:
            continue
        value, was_above = row["value"], above
        above = bool(factor) and best is not None and value > factor * best[0]
        if above and not was_above:
            found.append(
                (
                    row["update"],
                    f"{metric} is {value:.4g}, more than {factor:g} times its best value, {best[0]:.4g} after update {best[1]}",
                )
            )
        if best is None or value < best[0]:
            best = value, row["update"]
    return found


def _too_accurate(rows, updates):
    found, since, told = [], None, False
    for row in rows:
        if row["name"] != ACCURACY:
            continue
        if (
            row["value"] is None or row["value"] < 1 - 1e-6
        ):  # shares of several devices may add up to a little less
            since, told = None, False
            continue
        since = row["update"] if since is None else since
        if updates and not told and row["update"] - since >= updates:
            found.append(
                (
                    row["update"],
                    f"the discriminator has told all examples apart since update {since}: the generator learns little from it",
                )
            )
            told = True
    return found


def best_update(rows, metric):
    """The update with the lowest value of the metric so far, the first one of equals; None without
    any.
    """
    values = [
        (row["value"], row["update"])
        for row in rows
        if row["name"] == metric and row["value"] is not None
    ]
    return min(values)[1] if values else None

"""The report of a local Nash diagnosis: what its figure shows and its tables say."""

import itertools

import matplotlib.backends.backend_agg
import numpy as np
import pytest

from tf_ttur.players import Players
from tf_ttur.studies import nash as study
from tf_ttur.theory.nash import Diagnosis, Path

SETTINGS = study.Settings("a run after 20 updates", batches=6, batch_size=64, tolerance=0.01)
PATH = Path(10, 20, np.linspace(0, 1.4, 15), np.linspace(1, -0.4, 15), np.linspace(3, 1, 15))
REAL = {
    "both signs": np.array([-89.4, -89.4, -40.3, 2934.5]),
    "many powers of 10": np.array([-99.0, -0.11, 0.11, 99.0]),
    "one sign": np.array([0.5, 0.6, 3.0]),
    "nearly 0": np.array([-1e-9, 0.0, 1.0]),
}


def diagnosis(real):
    return Diagnosis(
        gradient_norms=Players(discriminator=15.16, generator=6.228),
        noise_norms=Players(discriminator=4.346, generator=1.146),
        p_value=0.03125,
        hessians=Players(discriminator=np.array([-276.7, 2899.4]), generator=np.array([-61, 22.8])),
        hessian_errors=Players(discriminator=0.0039, generator=9.4e-5),
        jacobian=real + 659j,
        jacobian_error=0.23,
        rates=Players(discriminator=1e-4, generator=5e-4),
        stationary=False,
        nash=False,
        strict=False,
        stable=False,
        marginal=False,
    )


@pytest.mark.parametrize("real", REAL.values(), ids=REAL)
def test_all_eigenvalues_lie_inside_and_no_labels_overlap(real):
    figure = study.study(diagnosis(real), SETTINGS, PATH).figure
    canvas = matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
    canvas.draw()
    for axes in figure.axes[:2]:
        frame = axes.get_window_extent()
        for line in axes.lines:
            if line.get_linestyle() == "None":
                points = axes.transData.transform(line.get_xydata())
                assert np.all(points > [frame.x0 + 5, frame.y0 + 5])
                assert np.all(points < [frame.x1 - 5, frame.y1 - 5])
    for axis in (figure.axes[0].yaxis, figure.axes[1].xaxis):
        low, high = sorted(axis.get_view_interval())
        labels = [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) > 1
        assert not any(one.overlaps(two) for one, two in itertools.pairwise(boxes))


def test_the_tables_hold_the_numbers():
    text = study.study(diagnosis(REAL["both signs"]), SETTINGS, PATH).text
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert ["norm of the gradient", "6.228", "15.16", "not stationary"] in rows
    assert ["largest eigenvalue of its own Hessian", "22.8", "2899"] in [row[:3] for row in rows]
    assert ["imaginary part of that eigenvalue", "659"] in [row[:2] for row in rows]
    assert "cosine" not in study.study(diagnosis(REAL["both signs"]), SETTINGS, None).text

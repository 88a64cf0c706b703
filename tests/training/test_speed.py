from tests.conformance.models import build
from tf_ttur.training import speed


def test_what_the_time_goes_into(tmp_path):
    operations = speed.costly_operations(build("dcgan", tmp_path), count=1)
    shares = [share for _, share in operations]
    assert abs(sum(shares) - 1) < 1e-9 and shares == sorted(shares, reverse=True)
    # A strided convolution is among the first, whatever the processor's library calls it.
    assert any("Conv2D" in name for name, _ in operations[:5])

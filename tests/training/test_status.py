from tf_ttur.training.status import status_text


def test_the_values_of_a_training_in_a_few_characters():
    values = {
        "loss/discriminator": 0.5622,
        "loss/generator": 2.2812,
        "accuracy/discriminator": 0.949,
    }
    row = {"update": 10_000, "name": "fid", "value": 56.6}
    assert status_text(values, row) == "D 0.562  G 2.281  acc 95 %  FID 56.6 @ 10,000"
    assert status_text({"loss/generator": -12345.678}, None) == "G -1.235e+04"
    row = {"update": 5, "name": "fid_stand_in", "value": 231.417}
    assert status_text({}, row) == "fid_stand_in 231.4 @ 5"
    assert status_text({}, row | {"value": None}) == ""

import pytest

from thce.registry.labels import FLAG_NAMES, INDEX, Flag
from thce.registry.naive_regex import naive_flags


def test_a_name_counts_wherever_it_stands():
    found = naive_flags(["History of thoracentesis; no BAL was done.", "Knee pain."])
    names = {name for name in FLAG_NAMES if found[0, INDEX[name]]}
    assert names == {"bal", "thoracentesis"}
    assert not found[1].any()


@pytest.mark.parametrize("name", FLAG_NAMES)
def test_every_flag_is_found_by_its_title(name):
    assert naive_flags([Flag(name).detail.title])[0, INDEX[name]]

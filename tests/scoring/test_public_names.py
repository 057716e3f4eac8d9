"""Are the public names there, and cheap until they are used?"""

import subprocess
import sys

import pytest

import scoring


@pytest.mark.parametrize("name", scoring.__all__)
def test_every_public_name_is_there(name):
    """Those that are imported late included."""
    assert getattr(scoring, name) is not None


def test_other_names_are_not():
    """A misspelt name is an error, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'scorecard'"):
        _ = scoring.scorecard


def test_a_command_does_not_pay_for_what_it_does_not_use():
    """Neither SciPy nor scikit-learn is imported with the package."""
    code = "import scoring, sys; print(sorted({'scipy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

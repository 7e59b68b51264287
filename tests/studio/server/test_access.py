from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babygpt.studio.server import access as module
from babygpt.studio.server.access import host_name


def test_examples_in_docstrings_hold():
    assert doctest.testmod(module) == (0, 1)


@pytest.mark.parametrize(
    ("netloc", "name"),
    [
        ("127.0.0.1:8765", "127.0.0.1"),
        ("[FE80::1]", "fe80::1"),
        ("example.org.", "example.org"),
        ("localhost:http", ""),
        ("localhost:999999", ""),
        ("localhost:", ""),
        ("localhost/evil.example", ""),
        ("localhost?evil.example", ""),
        ("localhost#evil.example", ""),
        ("evil.example@localhost", ""),
        ("[::1]evil.example", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_header(netloc, name):
    assert host_name(netloc) == name


@given(st.text(max_size=30))
def test_no_header_breaks_the_door(netloc):
    assert isinstance(host_name(netloc), str)

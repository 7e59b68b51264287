"""Who thinks in a class: each browser by itself, unless it is told otherwise."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from babygpt.studio.server.app import studio_app

HERE = {"base_url": "http://127.0.0.1"}


def test_a_page_that_thinks_by_itself_costs_the_server_a_download():
    app = studio_app(think="here")
    with TestClient(app, **HERE) as client:
        answer = client.get("/")
        assert 'id="beginning"' in answer.text
        assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
        assert "sha256-" in answer.headers["content-security-policy"]
        assert len(app.state.sessions) == 0
        assert "static/studio.js" in client.get("/there").text  # and there the server thinks


@pytest.mark.parametrize("options", [{}, {"think": "there"}])
def test_else_the_server_thinks(options):
    with TestClient(studio_app(**options), **HERE) as client:
        assert "static/studio.js" in client.get("/").text

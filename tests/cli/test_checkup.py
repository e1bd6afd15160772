"""The doctor's table and its JSON say the same."""

from __future__ import annotations

import json

from touchline.cli.checkup import check_up
from touchline.gst import cuda_links


def test_every_link_of_cuda_is_shown_with_what_to_do(capsys, monkeypatch) -> None:
    """Rich took the brackets of touchline[cuda] for markup, and advised to install what is installed already."""
    monkeypatch.setenv("COLUMNS", "400")
    check_up(as_json=False)
    shown = capsys.readouterr().out
    for link in cuda_links.chain():
        assert f"CUDA: {link.name}" in shown
        assert link.detail in shown
        assert link.ok or link.remedy in shown
    check_up(as_json=True)
    assert {check["name"] for check in json.loads(capsys.readouterr().out)} >= {
        f"CUDA: {link.name}" for link in cuda_links.chain()
    }

"""The library that draws the timeline is the published file, with its licence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import diag.report.html

VENDOR = Path(diag.report.html.__file__).parent / "vendor"
# Of uPlot 1.6.32 in the npm registry (https://registry.npmjs.org/uplot/-/uplot-1.6.32.tgz).
SHA256 = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uPlot.LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


def test_the_files_are_the_published_ones():
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    assert found == SHA256


def test_version_and_licence_stand_in_the_files():
    script = (VENDOR / "uPlot.iife.min.js").read_text()
    assert script.startswith("/*! https://github.com/leeoniya/uPlot (v1.6.32) */")
    assert "MIT License" in (VENDOR / "uPlot.LICENSE").read_text()

"""Report → one self-contained HTML page: no script, no network, charts as SVG in the text."""

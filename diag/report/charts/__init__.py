"""Colours and static drawings of charts, as SVG text; the one place that says how a chart looks."""

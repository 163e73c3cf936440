"""An analysis as tracks for trace viewers."""

"""Geometry: the average head fitted to the photo, what every coefficient moves in it, its camera and limits."""

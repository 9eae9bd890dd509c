"""The footage kind: real frames of a person, the lower face of each drawn anew."""

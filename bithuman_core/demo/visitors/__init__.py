"""Who has the page open: one visitor, all of them, the line in front of the live places, how often they may ask."""

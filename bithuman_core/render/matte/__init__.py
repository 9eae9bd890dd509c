"""The person without the background: cut-outs of portraits and of film, and what they stand before."""

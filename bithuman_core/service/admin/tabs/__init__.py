"""The tabs of the admin page, a module each."""

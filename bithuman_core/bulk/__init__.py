"""Many videos from one table: read, rendered in processes of this machine, and gone on with where it was stopped."""

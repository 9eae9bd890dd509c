"""Work that takes seconds or minutes: kept in the database, done by whichever process is free."""

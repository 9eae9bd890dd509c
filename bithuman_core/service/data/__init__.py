"""What the service knows: tables, their migrations, and the database that holds them."""

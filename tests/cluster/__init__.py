"""Many servers over one PostgreSQL and one bucket keep their promises, also while any part is taken away."""

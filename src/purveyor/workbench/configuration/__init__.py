"""What the clients on this machine are set up to use, and setting them up for an index."""
